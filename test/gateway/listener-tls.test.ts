import { cpSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { freePort } from "../free-port.ts";
import { type Service, startEcho, startServicesScene } from "../services/services-scene.ts";
import { askTls, makeCertificates, portOf, shownTo } from "./listeners-scene.ts";

const certificates = makeCertificates();
let echo: Service;

beforeAll(async () => {
  echo = await startEcho("echo");
  await certificates.make("shop", "shop.example.com");
  await certificates.make("wide", "*.example.com");
  await certificates.make("two", "*.one.example.org", "two.example.org");
  await certificates.make("new", "shop.example.com");
});
afterAll(async () => {
  await echo.close();
  certificates.remove();
});

const routesOf = (...listeners: readonly string[]) => `
services: {echo: "${echo.url}"}
routes:
${listeners.map((name) => `  ${name}: {auth: optional, listeners: [${name}], rules: [{to: echo, filters: [{requestHeaders: {set: {x-listener: ${name}}}}]}]}`).join("\n")}
`;

test("a handshake is shown the certificate of its listener that names the host, and a request stays with that listener", async () => {
  const port = await freePort();
  const scene = await startServicesScene(`
listeners:
  wide: {port: ${port}, hostname: "*.example.com", tls: {certificates: [${certificates.yaml("wide")}]}}
  shop: {port: ${port}, hostname: shop.example.com, tls: {certificates: [${certificates.yaml("shop")}]}}
  many: {port: ${port}, hostname: "*.example.org", tls: {certificates: [${certificates.yaml("shop")}, ${certificates.yaml("two")}]}}
${routesOf("wide", "shop", "many")}`);
  try {
    expect(await shownTo(port, "shop.example.com")).toBe("shop");
    expect(await shownTo(port, "SHOP.example.com")).toBe("shop");
    expect(await shownTo(port, "other.example.com")).toBe("wide");
    // A certificate's star stands for one label; that of a hostname for any number.
    expect(await shownTo(port, "a.b.example.com")).toBe("wide");
    expect(await shownTo(port, "two.example.org")).toBe("two");
    expect(await shownTo(port, "x.one.example.org")).toBe("two");
    expect(await shownTo(port, "none.example.org")).toBe("shop");
    expect(await shownTo(port, "elsewhere.test")).toBe("wide");
    expect(await shownTo(port)).toBe("wide");

    const listenerOf = async (host: string, servername: string) => {
      const [status, body] = await askTls(port, host, servername);
      return status === 200 ? (JSON.parse(body) as { headers: Record<string, string> }).headers["x-listener"] : status;
    };
    expect(await listenerOf("shop.example.com", "shop.example.com")).toBe("shop");
    expect(await listenerOf("other.example.com:443", "third.example.com")).toBe("wide");
    expect(await listenerOf("shop.example.com", "other.example.com")).toBe(421);
    expect(await listenerOf("other.example.com", "shop.example.com")).toBe(421);
    expect(await listenerOf("elsewhere.test", "shop.example.com")).toBe(404);
    expect(await listenerOf("shop.example.com", "elsewhere.test")).toBe(421);
    // Whoever asks for no name is taken at the Host header's word.
    expect(await listenerOf("two.example.org", "")).toBe("many");
  } finally {
    await scene.close();
  }
});

test("new certificates, by reload or in their files, are shown to new connections at once", async () => {
  for (const part of ["crt", "key"] as const) cpSync(certificates.file("shop", part), certificates.file("live", part));
  const yamlWith = (pair: string) => `
listeners: {text: {port: 0, tls: {certificates: [${pair}]}}, file: {port: 0, tls: {certificates: [{cert: "${certificates.file("live", "crt")}", key: "${certificates.file("live", "key")}"}]}}}
${routesOf("text", "file")}`;
  const scene = await startServicesScene(yamlWith(certificates.yaml("shop")));
  try {
    const [text, file, moved] = [portOf(scene, "text"), portOf(scene, "file"), await freePort()];
    expect([await shownTo(text), await shownTo(text, "x.test"), await shownTo(file)]).toEqual(["shop", "shop", "shop"]);
    await scene.reload(yamlWith(certificates.yaml("new")));
    expect([await shownTo(text), await shownTo(text, "x.test"), await shownTo(file)]).toEqual(["new", "new", "shop"]);
    expect(portOf(scene, "text")).toBe(text);
    // A file that breaks leaves what was shown, and keeps no other change back.
    writeFileSync(certificates.file("live", "crt"), "-----BEGIN CERT");
    await scene.reload(yamlWith(certificates.yaml("shop")));
    expect([await shownTo(text), await shownTo(file)]).toEqual(["shop", "shop"]);
    for (const part of ["crt", "key"] as const)
      writeFileSync(certificates.file("live", part), certificates.pem("wide", part));
    await expect.poll(() => shownTo(file), { timeout: 8_000 }).toBe("wide");
    expect(await shownTo(file, "x.example.com")).toBe("wide");
    // Also once its listener has moved to another port.
    await scene.reload(yamlWith(certificates.yaml("shop")).replace("file: {port: 0", `file: {port: ${moved}`));
    for (const part of ["crt", "key"] as const)
      writeFileSync(certificates.file("live", part), certificates.pem("new", part));
    await expect.poll(() => shownTo(moved), { timeout: 8_000 }).toBe("new");
  } finally {
    await scene.close();
  }
}, 20_000);

test("a file that does not load leaves its certificate out, and its listener unbound while it has no other", async () => {
  const file = (name: string) =>
    `{cert: "${certificates.file(name, "crt")}", key: "${certificates.file(name, "key")}"}`;
  for (const part of ["crt", "key"] as const) writeFileSync(certificates.file("broken", part), "-----BEGIN");
  const scene = await startServicesScene(`
listeners:
  some: {port: 0, tls: {certificates: [${file("broken")}, ${file("shop")}]}}
  none: {port: 0, tls: {certificates: [${file("broken")}]}}
${routesOf("some", "none")}`);
  try {
    expect(await shownTo(portOf(scene, "some"))).toBe("shop");
    const none = () => scene.gateway.listeners()[2];
    expect(none()).toEqual({ name: "none", bound: false, reason: "none of its certificates loads" });
    for (const part of ["crt", "key"] as const)
      writeFileSync(certificates.file("broken", part), certificates.pem("wide", part));
    await expect.poll(() => none()?.bound, { timeout: 8_000 }).toBe(true);
    expect(await shownTo(portOf(scene, "none"))).toBe("wide");
    await expect.poll(() => shownTo(portOf(scene, "some"))).toBe("wide");
  } finally {
    await scene.close();
  }
}, 20_000);

test("listeners share the https port of `listen`, with certificates of their own or with its", async () => {
  const file = `${certificates.dir}/sallyport.yaml`;
  writeFileSync(
    file,
    `publicUrl: https://gateway.example.net
listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}, tls: {cert: wide.crt, key: wide.key}}
listeners:
  shop: {hostname: shop.example.com, tls: {certificates: [${certificates.yaml("shop")}]}}
  bare: {hostname: bare.example.com}
${routesOf("shop", "bare")}
policies: open
observability: {log: {level: error}}
drain: {grace: 1ms}
state: memory
`,
  );
  const gateway = await startGateway(loadConfig(file));
  try {
    const { port } = gateway.addresses.data;
    expect(await shownTo(port, "shop.example.com")).toBe("shop");
    for (const name of ["bare.example.com", "gateway.example.net", undefined])
      expect(await shownTo(port, name)).toBe("wide");
    expect((await askTls(port, "shop.example.com", "shop.example.com"))[0]).toBe(200);
    expect((await askTls(port, "bare.example.com", "bare.example.com"))[0]).toBe(200);
    expect((await askTls(port, "gateway.example.net", "gateway.example.net"))[0]).toBe(404);
    expect((await askTls(port, "gateway.example.net", "shop.example.com"))[0]).toBe(421);
    expect(gateway.listeners()).toEqual([
      { name: "main", bound: true, address: gateway.addresses.data },
      { name: "shop", bound: true, address: gateway.addresses.data },
      { name: "bare", bound: true, address: gateway.addresses.data },
    ]);
  } finally {
    await gateway.drain();
  }
});
