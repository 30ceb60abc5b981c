import { afterAll, beforeAll, expect, test } from "vitest";
import { askTls, makeCertificates, shownTo } from "../gateway/listeners-scene.ts";
import { freePort } from "../free-port.ts";
import { ask, type Service, startEcho } from "../services/services-scene.ts";
import { baseConfig, manifests, route, service, startManifestsScene } from "./manifests-scene.ts";
import { translated } from "./meaning.ts";

const certificates = makeCertificates();
let v1: Service;
beforeAll(async () => {
  v1 = await startEcho("v1");
  await Promise.all([certificates.make("shop", "shop.example.com"), certificates.make("wild", "*.example.org")]);
});
afterAll(async () => {
  certificates.remove();
  await v1.close();
});

const gateway = (name: string, listeners: string, metadata = "") => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}${metadata}}
spec: {gatewayClassName: sallyport, listeners: [${listeners}]}
`;
const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (name: string) => `
apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: kubernetes.io/tls
data: {tls.crt: ${base64(certificates.pem(name, "crt"))}, tls.key: ${base64(certificates.pem(name, "key"))}}
`;
const to = (parent: string, name = "one") => route(name, "rules: [{backendRefs: [{name: v1, port: 80}]}]", parent);

test("HTTPS is served with the certificates of its Secrets, by name; one that is not here is left out", async () => {
  const listener = (name: string, host: string, secretName: string) =>
    `{name: ${name}, port: 443, protocol: HTTPS, hostname: "${host}", tls: {certificateRefs: [{name: ${secretName}}]}}`;
  const { gateway: running, built } = await startManifestsScene(
    manifests(
      gateway(
        "secure",
        [
          listener("shop", "shop.example.com", "shop"),
          listener("wild", "*.example.org", "wild"),
          listener("none", "none.example.com", "none"),
        ].join(", "),
      ),
      secret("shop"),
      secret("wild"),
      service("v1"),
      to("{name: secure}"),
    ),
    { "v1.default": v1.url },
    `${baseConfig}kubernetes: {ports: {443: ${await freePort()}}}
`,
  );
  const bound = running.listeners().find(({ name }) => name === "default/secure/shop")?.address?.port ?? 0;
  expect(await shownTo(bound, "shop.example.com")).toBe("shop");
  expect(await shownTo(bound, "a.example.org")).toBe("wild");
  expect((await askTls(bound, "shop.example.com", "shop.example.com"))[0]).toBe(200);
  expect((await askTls(bound, "shop.example.com", "a.example.org"))[0]).toBe(421);
  expect(built.translation.warnings.map(({ message }) => message)).toEqual([
    "there is no Secret none in namespace default",
  ]);
});

test("Gateways share ports: those with the same host are one listener, and what a port speaks is what the oldest says", () => {
  const aged = (name: string, day: number, listener: string) =>
    gateway(name, listener, `, creationTimestamp: "2026-11-0${day}T00:00:00Z"`);
  const { value, routes, statusOf } = translated(
    manifests(
      `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`,
      aged("younger", 2, "{name: a, port: 8080, protocol: HTTP}"),
      aged("older", 1, "{name: b, port: 8080, protocol: HTTP}"),
      aged("secure", 3, "{name: c, port: 8080, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}"),
      secret("shop"),
      to("{name: younger}", "one"),
      to("{name: older}", "two"),
    ),
    "cluster",
    { ports: new Map([[8080, 8080]]) },
  );
  expect(value["listeners"]).toEqual({ "default/older/b": { port: 8080, publicPort: 8080 } });
  expect(Object.entries(routes).map(([name, { listeners }]) => [name, listeners])).toEqual([
    ["default/one", ["default/older/b"]],
    ["default/two", ["default/older/b"]],
  ]);
  expect(statusOf("Gateway", "secure")).toMatchObject({
    listeners: [
      {
        conditions: [
          { type: "Accepted", reason: "PortUnavailable", message: "port 8080 speaks HTTP for default/older/b" },
          {},
          {},
          {},
        ],
      },
    ],
  });
});

test("a redirect names the Gateway's port and not the one that is bound for it", async () => {
  const port = await freePort();
  const scene = await startManifestsScene(
    manifests(
      gateway("gw", "{name: http, port: 8000, protocol: HTTP}"),
      route(
        "one",
        "rules: [{filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /x}}}]}]",
        "{name: gw}",
      ),
    ),
    {},
    `${baseConfig}kubernetes: {ports: {8000: ${port}}}
`,
  );
  expect(scene.gateway.listeners().map(({ bound }) => bound)).toEqual([true, true]);
  const answer = await ask(port, "/", { host: "a.example.com" });
  expect(answer.headers.location).toBe("http://a.example.com:8000/x");
});

test("a Gateway may have its listeners serve what is the gateway's own", () => {
  const annotations = ', annotations: {sallyport.dev/own-paths: "true"}';
  const { value } = translated(gateway("gw", "{name: a, port: 8080, protocol: HTTP}", annotations));
  expect(value["listeners"]).toEqual({ "default/gw/a": { port: 8080, publicPort: 8080, own: true } });
});
