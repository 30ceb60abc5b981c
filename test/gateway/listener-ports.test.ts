import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { ask, type Service, startEcho, startService, startServicesScene } from "../services/services-scene.ts";
import { askTls, makeCertificates, portOf } from "./listeners-scene.ts";

let echo: Service;
beforeAll(async () => {
  echo = await startEcho("echo");
});
afterAll(() => echo.close());

const yaml = (listeners: string, names: readonly string[]) => `
listeners: {${listeners}}
services: {echo: "${echo.url}"}
routes: {all: {auth: optional, listeners: [main, ${names.join(", ")}], rules: [{to: echo}]}}
`;

/** A caller that keeps one connection open; gives the status and whether the connection had been used before. */
function createCaller(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: (path: string, host: string) =>
      new Promise<{ readonly status: number; readonly reused: boolean; readonly connection: string | undefined }>(
        (resolve, reject) => {
          const sent = request({ host: "127.0.0.1", port, path, agent, headers: { host } }, (response) => {
            response.resume();
            response.on("end", () =>
              resolve({
                status: response.statusCode ?? 0,
                reused: sent.reusedSocket,
                connection: response.headers.connection,
              }),
            );
          });
          sent.on("error", reject);
          sent.end();
        },
      ),
    close: () => agent.destroy(),
  };
}

const refused = (port: number) => expect(ask(port, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });

test("a reload adds, changes and removes listeners, and connections of the ports that stay live on", async () => {
  const [one, two] = [await freePort(), await freePort()];
  const scene = await startServicesScene(yaml(`one: {port: ${one}, hostname: a.example.com}`, ["one"]));
  const callers = [createCaller(scene.port), createCaller(one)];
  const [onMain, onOne] = callers as [ReturnType<typeof createCaller>, ReturnType<typeof createCaller>];
  try {
    expect(await onMain.ask("/", "localhost")).toMatchObject({ status: 200, reused: false });
    expect(await onOne.ask("/", "a.example.com")).toMatchObject({ status: 200, reused: false });
    expect(await onOne.ask("/", "b.example.com")).toMatchObject({ status: 404, reused: true });
    await refused(two);

    await scene.reload(
      yaml(`one: {port: ${one}, hostname: b.example.com}, two: {port: ${two}}, here: {hostname: here.test}`, [
        "one",
        "two",
        "here",
      ]),
    );
    expect(await onOne.ask("/", "a.example.com")).toMatchObject({ status: 404, reused: true });
    expect(await onOne.ask("/", "b.example.com")).toMatchObject({ status: 200, reused: true });
    expect(await onMain.ask("/", "here.test")).toMatchObject({ status: 200, reused: true });
    expect((await ask(two, "/", { host: "any.test" })).status).toBe(200);
    expect(portOf(scene, "two")).toBe(two);

    await scene.reload(yaml(`two: {port: ${two}}`, ["two"]));
    await refused(one);
    expect(await onMain.ask("/", "here.test")).toMatchObject({ status: 421, reused: true });
    expect((await ask(two, "/", { host: "any.test" })).status).toBe(200);
    expect(scene.gateway.listeners().map(({ name }) => name)).toEqual(["main", "two"]);
    await expect(scene.reload("listeners: {main: {port: 1}}")).rejects.toThrow(/listeners\.main/);
  } finally {
    for (const caller of callers) caller.close();
    await scene.close();
  }
});

test("what is under way on a port that is removed, or whose gateway stops, is answered, and its connection ends", async () => {
  const port = await freePort();
  const held: (() => void)[] = [];
  const slow = await startService((_, response) => {
    response.writeHead(200, { "content-length": "4" });
    response.write("ha");
    held.push(() => response.end("lf"));
  });
  const text = (listeners: string) => `
listeners: {${listeners}}
services: {slow: "${slow.url}"}
routes: {all: {auth: optional, listeners: [${listeners === "" ? "main" : "one"}], rules: [{to: slow}]}}
drain: {grace: 20s}
`;
  const scene = await startServicesScene(text(`one: {port: ${port}}`));
  const begin = async () => {
    const sent = request({ host: "127.0.0.1", port, agent: new Agent({ keepAlive: true }) }).end();
    await expect.poll(() => held.length).toBe(1);
    return once(sent, "response") as Promise<[IncomingMessage]>;
  };
  const end = async (answer: Promise<[IncomingMessage]>) => {
    held.pop()?.();
    const [response] = await answer;
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
    await once(response.socket, "close");
    return body;
  };
  try {
    const first = begin();
    await expect.poll(() => held.length).toBe(1);
    await scene.reload(text(""));
    await refused(port);
    expect(await end(first)).toBe("half");

    await scene.reload(text(`one: {port: ${port}}`));
    const second = begin();
    await expect.poll(() => held.length).toBe(1);
    const drained = scene.gateway.drain();
    await expect.poll(() => ask(port, "/").catch((error: { code: string }) => error.code)).toBe("ECONNREFUSED");
    expect(await end(second)).toBe("half");
    await drained;
  } finally {
    for (const each of held) each();
    await slow.close();
  }
});

test("a port in use keeps nothing else back: it is reported, and bound once it is free", async () => {
  const taken = await freePort();
  const squatter = createServer().listen(taken, "127.0.0.1");
  await once(squatter, "listening");
  const scene = await startServicesScene(yaml(`taken: {port: ${taken}}, free: {port: 0}`, ["taken", "free"]));
  const health = scene.gateway.addresses.health.port;
  const bound = async () =>
    /sallyport_listener_bound\{listener="taken"\} (\d)/.exec((await ask(health, "/metrics")).text());
  try {
    expect((await ask(portOf(scene, "free"), "/")).status).toBe(200);
    expect(scene.gateway.listeners()[1]).toEqual({
      name: "taken",
      bound: false,
      reason: expect.stringContaining(`127.0.0.1:${taken} is in use`),
    });
    expect((await bound())?.[1]).toBe("0");
    const ready = await ask(health, "/readyz");
    expect([ready.status, ready.text()]).toEqual([200, expect.stringContaining("listener taken: 127.0.0.1")]);

    squatter.close();
    await once(squatter, "close");
    await expect.poll(() => scene.gateway.listeners()[1]?.bound, { timeout: 8_000 }).toBe(true);
    expect((await ask(taken, "/")).status).toBe(200);
    expect((await bound())?.[1]).toBe("1");
    expect((await ask(health, "/readyz")).text()).not.toContain("listener");
    await scene.reload(yaml("free: {port: 0}", ["free"]));
    expect(await bound()).toBeNull();
  } finally {
    squatter.close();
    await scene.close();
  }
}, 15_000);

test("an address that is not there is reported with the reason", async () => {
  const scene = await startServicesScene(yaml("away: {port: 0, address: 192.0.2.1}", ["away"]));
  try {
    expect(scene.gateway.listeners()[1]).toEqual({
      name: "away",
      bound: false,
      reason: "this machine has no such address",
    });
  } finally {
    await scene.close();
  }
});

test("a port that turns from http to https is bound anew", async () => {
  const certificates = makeCertificates();
  await certificates.make("one", "one.example.com");
  const port = await freePort();
  const scene = await startServicesScene(yaml(`one: {port: ${port}}`, ["one"]));
  try {
    expect((await ask(port, "/", { host: "one.example.com" })).status).toBe(200);
    await scene.reload(yaml(`one: {port: ${port}, tls: {certificates: [${certificates.yaml("one")}]}}`, ["one"]));
    expect((await askTls(port, "one.example.com", "one.example.com"))[0]).toBe(200);
    await scene.reload(yaml(`one: {port: ${port}}`, ["one"]));
    expect((await ask(port, "/", { host: "one.example.com" })).status).toBe(200);
  } finally {
    await scene.close();
    certificates.remove();
  }
});
