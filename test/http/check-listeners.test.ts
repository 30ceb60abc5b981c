import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/load.ts";
import { summarize } from "../../src/config/summary.ts";
import { createHostnames } from "../../src/http/hostnames.ts";
import { makeFolder } from "../config/config-folder.ts";
import { makeCertificates } from "../gateway/listeners-scene.ts";

const certificates = makeCertificates();
beforeAll(async () => {
  await certificates.make("one", "one.example.com");
  await certificates.make("two", "two.example.com");
});
afterAll(() => certificates.remove());

const read = (listeners: string, more = "") =>
  readConfig(makeFolder({ "s.yaml": `policies: open\nlisteners: ${listeners}\n${more}` }).at("s.yaml"));

/** Everything that is wrong, in words; empty where nothing is. */
function problemsOf(listeners: string, more = ""): string {
  const found = read(listeners, more);
  return found.config === undefined ? found.error.message : "";
}

const pair = (cert: string, key: string) => `[{cert: "${cert}", key: "${key}"}]`;
const files = (cert: string, key: string) => pair(certificates.file(cert, "crt"), certificates.file(key, "key"));
const tls = () => `tls: {certificates: [${certificates.yaml("one")}]}`;

describe("listeners", () => {
  test("stand side by side in every form that is documented", () => {
    const forms = [
      "{}",
      "{a: {}, b: {hostname: b.example.com}, c: {port: 4000, hostname: '*.example.com', publicPort: 80}}",
      "{ns/gw/http: {port: 8080}, ns/gw/other: {port: 8080, hostname: x.test, own: true}}",
      "{a: {port: 0}, b: {port: 0, address: 127.0.0.1}}",
      `{a: {port: 8443, ${tls()}}, b: {port: 8443, hostname: b.test, tls: {certificates: ${files("two", "two")}}}}`,
    ];
    expect(forms.map((form) => problemsOf(form))).toEqual(forms.map(() => ""));
    const shared = `{a: {hostname: a.test, ${tls()}}, b: {hostname: b.test}}`;
    const [cert, key] = [certificates.file("one", "crt"), certificates.file("one", "key")];
    expect(problemsOf(shared, `listen: {tls: {cert: "${cert}", key: "${key}"}}`)).toBe("");
  });

  test.for<[string, string | RegExp]>([
    ["{main: {port: 1}}", "`main` is the listener of `listen`"],
    ["{a: {port: 4001}}", /listeners\.a\.port[^]*port 4001 is taken by listen\.console\.port/],
    ["{a: {port: 4002}}", "port 4002 is taken by listen.health.port"],
    ["{a: {port: 8080}, b: {port: 8080}}", /listeners\.b\.hostname[^]*every host of this port is that of listeners\.a/],
    ["{a: {hostname: x.test}, b: {port: 4000, hostname: x.test}}", "x.test of this port is that of listeners.a"],
    ["{a: {port: 8080}, b: {port: 8080, hostname: x.test, address: 0.0.0.0}}", "another address for this port"],
    ["{a: {address: 0.0.0.0}}", "bound as `listen.host` says"],
    ["{a: {hostname: X.test}}", "a host in lower case"],
    ["{a: {hostname: 'x.test:80'}}", "a host in lower case"],
    ["{a: {hostname: 10.0.0.1}}", "a host in lower case"],
    ["{a: {hostname: '*'}}", "a host in lower case"],
    ["{a: {port: 8443, tls: {certificates: []}}}", /listeners\.a\.tls\.certificates/],
    ["{a: {port: 8443, tls: {certificates: [{cert: none.crt, key: none.key}]}}}", "there is no such file"],
  ])("%s is refused", ([listeners, expected]) => {
    expect(problemsOf(listeners)).toMatch(expected);
  });

  test("are refused with certificates that cannot be served, which are not shown", () => {
    const all = [
      `{a: {${tls()}}}`,
      `{a: {port: 8443, ${tls()}}, b: {port: 8443, hostname: x.test}}`,
      `{a: {port: 8443, tls: {certificates: [${certificates.yaml("one").replace("one.crt", "two.crt")}]}}}`,
      `{a: {port: 8443, tls: {certificates: [${certificates.yaml("one").replace(".crt", ".key")}]}}}`,
      `{a: {port: 8443, tls: {certificates: ${pair("-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----")}}}}`,
      `{a: {port: 8443, tls: {certificates: [{cert: "${certificates.file("one", "crt")}", key: "\${file:${certificates.file("one", "key")}}"}]}}}`,
    ].map((form) => problemsOf(form));
    expect(all).toEqual([
      expect.stringContaining("serves plain http"),
      expect.stringContaining("listeners.a serves https on this port"),
      expect.stringContaining("this is the key of another certificate"),
      expect.stringContaining("this is no certificate in PEM"),
      expect.stringContaining("this is no certificate in PEM"),
      expect.stringContaining("both as PEM text, or both as files"),
    ]);
    expect(all.join()).not.toContain(certificates.pem("one", "key").split("\n")[1]);
  });

  test("are doubted while what is in the files of a certificate cannot be served", () => {
    const found = read(`{a: {port: 8443, tls: {certificates: ${files("one", "two")}}}}`);
    expect(found.config && found.warnings.map(({ path, message }) => `${path.join(".")}: ${message}`)).toEqual([
      "listeners.a.tls.certificates.0.key: this is the key of another certificate; it is left out until it is mended",
    ]);
  });

  test("that a route names have to be there", () => {
    const route = (names: string) =>
      `services: {s: "http://s:80"}\nroutes: {r: {listeners: ${names}, rules: [{to: s}]}}`;
    expect(problemsOf("{a: {}}", route("[main, a]"))).toBe("");
    expect(problemsOf("{a: {}}", route("[b]"))).toMatch(
      /routes\.r\.listeners\[0\][^]*no listener "b"; there is main, a/,
    );
    expect(problemsOf("{a: {}}", route("[]"))).toMatch(/routes\.r\.listeners/);
  });

  test("are named by `sallyport check`", () => {
    const { config } = read(`{a: {hostname: a.test}, b: {port: 8443, own: true, ${tls()}}}`);
    expect(config && summarize(config).find((line) => line.startsWith("listeners"))).toMatch(
      /^listeners +a \(http, port 4000, a\.test\), b \(https, port 8443, any host, the gateway's own paths too\)$/,
    );
  });
});

test("of hostnames the one that is written out counts, then the longest with a star, then none", () => {
  const names = ["a.example.com", "*.example.com", "*.b.example.com", "*.com"];
  const find = createHostnames<string>(names.map((name) => [name, name]));
  expect(
    ["a.example.com", "x.example.com", "x.y.example.com", "x.b.example.com", "b.example.com", "example.com"].map(find),
  ).toEqual(["a.example.com", "*.example.com", "*.example.com", "*.b.example.com", "*.example.com", "*.com"]);
  expect(["com", "example.org"].map(find)).toEqual([undefined, undefined]);
  expect(createHostnames<string>([[undefined, "rest"]])("example.org")).toBe("rest");
});
