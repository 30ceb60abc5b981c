import type { LookupAddress } from "node:dns";
import { describe, expect, test } from "vitest";
import { createEgressGuard, isPublicAddress } from "../../src/http/egress-guard.ts";

/* As a URL host; WHATWG URL turns the odd spellings of IPv4 into the plain one, and the guard judges what comes out. */
const privateHosts: readonly string[] = [
  // Loopback and "this host", in every spelling
  "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.255", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "017700000001",
  "0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "0.0.0.0", "0", "0.0.0.1", "0.1.2.3", "0x0", "00.0.0.0", "127.0x0.0.1", "0x7F.0x0.0x0.0x1",
  "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①",
  // Private, shared, link-local, and clouds' metadata
  "10.0.0.0", "10.0.0.1", "10.255.255.255", "0xa.0.0.1", "012.0.0.1", "167772161", "100.64.0.0", "100.64.0.1", "100.127.255.255", "100.100.100.200",
  "169.254.0.1", "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
  "172.16.0.0", "172.16.0.1", "172.31.255.255", "172.20.10.1", "192.168.0.1", "192.168.255.255", "3232235521", "0xc0a80001", "192.168.1", "168.63.129.16",
  // Special purpose
  "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.88.99.2", "192.175.48.1", "198.18.0.1", "198.19.255.255",
  "198.51.100.1", "203.0.113.1", "203.0.113.255", "224.0.0.1", "224.0.0.251", "239.255.255.250", "232.1.1.1", "240.0.0.1", "250.1.2.3", "255.255.255.254", "255.255.255.255", "4294967295",
  // IPv6: unspecified, loopback, what wraps IPv4
  "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000::0001]", "[::0.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
  "[::ffff:a00:1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:8.8.8.8]", "[::ffff:0:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[::8.8.8.8]",
  "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::808:808]", "[64:ff9b:1::1]", "[64:ff9b:1:fffe::7f00:1]",
  "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::1]", "[2002:808:808::1]", "[2001:0:7f00:1::]", "[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
  // IPv6: special purpose
  "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:1::1]", "[2001:3::1]", "[2001:4:112::1]", "[2001:db8::1]", "[2001:db8:ffff::1]", "[3fff::1]", "[3fff:fff::1]", "[5f00::1]", "[100::1]", "[100:0:0:1::1]",
  "[2620:4f:8000::1]", "[fc00::1]", "[fd00::1]", "[fd00:ec2::254]", "[fdff:ffff::1]", "[fe80::1]", "[fe80::a9fe:a9fe]", "[febf::1]", "[fec0::1]", "[feff::1]", "[ff00::1]", "[ff02::1]",
  "[ff02::fb]", "[ff05::2]", "[ff0e::1]", "[4000::1]", "[8000::1]", "[e000::1]", "[1::1]", "[::2]", "[::ffff:ffff]", "[200::1]", "[fe00::1]",
]; // oxfmt-ignore

const publicHosts: readonly string[] = [
  "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1", "172.15.255.255",
  "172.32.0.0", "192.0.1.1", "192.0.3.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "134744072", "0x08080808", "8.8.2056",
  "[2606:4700:4700::1111]", "[2001:4860:4860::8888]", "[2a00:1450:4001::200e]", "[2001:200::1]", "[2001:db7::1]", "[2003::1]", "[2400:cb00::1]", "[3ffe::1]", "[2620:fe::fe]",
]; // oxfmt-ignore

const deniedUrls: readonly string[] = [
  "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "data:text/plain,x", "javascript:1", "ws://example.com/", "blob:https://example.com/x",
  "https://user@example.com/", "https://user:password@example.com/", "https://:password@example.com/", "https://example.com@127.0.0.1/", "http://8.8.8.8/",
]; // oxfmt-ignore

const bare = (host: string) => new URL(`https://${host}/`).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");

describe("an address somebody else chose", () => {
  const guard = createEgressGuard([]);

  test("the table has at least 150 forms that must not pass", () => {
    expect(privateHosts.length + deniedUrls.length).toBeGreaterThanOrEqual(150);
    expect(new Set(privateHosts).size).toBe(privateHosts.length);
  });

  test.for(privateHosts)("%s is refused", (host) => {
    expect(() => guard.checkUrl(new URL(`https://${host}/`))).toThrow(expect.objectContaining({ kind: "denied" }));
  });

  test.for(publicHosts)("%s passes", (host) => {
    expect(guard.checkUrl(new URL(`https://${host}/`))).toBe(false);
    expect(isPublicAddress(bare(host))).toBe(true);
  });

  test.for(deniedUrls)("%s is refused", (url) => {
    expect(() => guard.checkUrl(new URL(url))).toThrow(expect.objectContaining({ kind: "denied" }));
  });

  test.for(["", "localhost", "1.2.3", "fe80::1%eth0", "::ffff:1.2.3.4.5", "1.2.3.4/8"])(
    "what is no address is not public: %s",
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );
});

describe("names", () => {
  const answers = (...addresses: string[]): LookupAddress[] =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const lookup = (allow: readonly string[], addresses: LookupAddress[], all = true) =>
    new Promise<unknown>((resolve, reject) => {
      const guard = createEgressGuard(allow, (_, callback) => callback(null, addresses));
      guard.lookup("name.example", { all }, (error, address) => (error === null ? resolve(address) : reject(error)));
    });

  test("a name is connected to the addresses that were checked, and to no others", async () => {
    expect(await lookup([], answers("8.8.8.8", "2606:4700:4700::1111"))).toEqual(
      answers("8.8.8.8", "2606:4700:4700::1111"),
    );
    expect(await lookup([], answers("8.8.8.8"), false)).toBe("8.8.8.8");
  });

  test.for([
    ["127.0.0.1"],
    ["8.8.8.8", "10.0.0.1"],
    ["2606:4700:4700::1111", "::1"],
    ["::ffff:8.8.8.8"],
    ["64:ff9b::808:808"],
    ["not an address"],
    [],
  ])("a name with an answer of %s is refused", async (addresses) => {
    await expect(lookup([], answers(...addresses))).rejects.toMatchObject({ kind: "denied" });
  });

  test("a resolver's failure is passed on", async () => {
    const guard = createEgressGuard([], (_, callback) => callback(new Error("NXDOMAIN"), []));
    const failure = await new Promise((resolve) => guard.lookup("x.example", { all: true }, resolve));
    expect(failure).toMatchObject({ message: "NXDOMAIN" });
  });

  test("an allowed block lets a name point into it", async () => {
    expect(await lookup(["10.1.0.0/16"], answers("10.1.2.3"))).toEqual(answers("10.1.2.3"));
    await expect(lookup(["10.1.0.0/16"], answers("10.2.0.1"))).rejects.toMatchObject({ kind: "denied" });
  });
});

describe("what the operator allows", () => {
  const guard = createEgressGuard([
    "hooks.internal",
    "*.svc.internal",
    "pinned.internal:8443",
    "10.1.0.0/16",
    "fd00:1::/32",
  ]);
  test.for([
    ["http://hooks.internal/x", true],
    ["https://hooks.internal:9000/x", true],
    ["https://a.svc.internal/", true],
    ["https://pinned.internal:8443/", true],
    ["http://10.1.2.3:8080/", true],
    ["https://[fd00:1::5]/", true],
    ["https://pinned.internal/", false],
    ["https://svc.internal/", false],
    ["https://hooks.internal.evil.example/", false],
    ["https://elsewhere.example/", false],
  ] as const)("%s is exempt: %s", ([url, exempt]) => {
    expect(guard.checkUrl(new URL(url))).toBe(exempt);
  });

  test.for([
    "http://10.2.0.1/",
    "https://10.2.0.1/",
    "http://pinned.internal:80/",
    "https://[fd00:2::1]/",
    "https://u:p@hooks.internal/",
  ])("%s is still refused", (url) => {
    expect(() => guard.checkUrl(new URL(url))).toThrow(expect.objectContaining({ kind: "denied" }));
  });
});
