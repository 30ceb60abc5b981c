import type { LookupAddress } from "node:dns";
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { checkedLookup } from "../../src/http/checked-lookup.ts";
import { isNetworkAddress } from "../../src/http/reach.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";

/* As a URL host; WHATWG URL turns the odd spellings of IPv4 into the plain one. */
// oxfmt-ignore
const localHosts: readonly string[] = [
  "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "１２７.０.０.１", "127.0.0.1.", "0.0.0.0", "0", "0x0",
  "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
  "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1",
  "[::]", "[::1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
  "[fe80::1]", "[fec0::1]", "[ff02::1]", "[ff05::2]", "[fd00:ec2::254]", "[fd20:ce::254]",
];
// oxfmt-ignore
const networkHosts: readonly string[] = [
  "8.8.8.8", "10.255.254.253", "172.31.254.253", "192.168.254.253", "100.64.0.9", "[64:ff9b::808:808]", "[2606:4700:4700::1111]", "[fd00:1::9]",
];

const bare = (host: string) => new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, "");
const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);

describe("an address of somebody whom the operator lets have upstreams", () => {
  test.for(localHosts)("%s is of this machine or its link", (host) => {
    expect(isNetworkAddress(bare(host))).toBe(false);
  });

  test.for(networkHosts)("%s is on a network", (host) => {
    expect(isNetworkAddress(bare(host))).toBe(true);
  });

  test("those of this machine's own interfaces are its own, whichever they are", () => {
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter(isNetworkAddress)).toEqual([]);
  });

  test("what is no address is none of a network", () => {
    expect(["", "localhost", "fe80::1%eth0", "1.2.3"].filter(isNetworkAddress)).toEqual([]);
  });
});

describe("a request to such an address", () => {
  const egress = { allow: [], connections: 4, connectTimeout: 2_000, ca: undefined };
  const request = (url: string, addresses: readonly string[]) => {
    const upstream = createUpstream({
      egress,
      resolve: (_, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
        ),
    });
    return upstream
      .request({ url: new URL(url), trust: "delegated", method: "GET", headers: {} })
      .finally(() => upstream.close());
  };

  test.for(localHosts)("is refused: %s", async (host) => {
    await expect(request(`http://${host}:1/`, ["8.8.8.8"])).rejects.toMatchObject({ kind: "denied" });
  });

  test.for([["127.0.0.1"], ["::1"], ["8.8.8.8", "169.254.169.254"], ["::ffff:127.0.0.1"], []])(
    "is refused where its name resolves to %s, over https too",
    async (addresses) => {
      await expect(request("http://tools.example.com/", addresses)).rejects.toMatchObject({ kind: "denied" });
      await expect(request("https://tools.example.com/", addresses)).rejects.toMatchObject({ kind: "denied" });
    },
  );

  test("leads to the addresses that were checked, private ones too", async () => {
    const answers: LookupAddress[] = [{ address: "10.255.254.253", family: 4 }];
    const lookup = checkedLookup(isNetworkAddress, "it is local", (_, callback) => callback(null, answers));
    const found = await new Promise((resolve, reject) =>
      lookup("tools.example.com", { all: true }, (error, address) =>
        error === null ? resolve(address) : reject(error),
      ),
    );
    expect(found).toEqual(answers);
  });
});
