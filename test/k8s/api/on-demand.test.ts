import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { freePort } from "../../free-port.ts";
import { startService } from "../../services/services-scene.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { applyShop, gatewayClass, httpRoute, mainGateway, startReplica, startShop } from "./cluster-scene.ts";

let server: ApiServer;
beforeEach(async () => {
  server = await startApiServer();
  return () => server.stop().catch(() => undefined);
});

/** A model server that answers each chat with its name. */
async function startModel(name: string): Promise<number> {
  const service = await startService((request, response) => {
    request.resume();
    request.on("end", () => {
      const choices = [{ index: 0, message: { role: "assistant", content: name }, finish_reason: "stop" }];
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices, usage }));
    });
  });
  onTestFinished(() => service.close());
  return service.port;
}

const pool = (port: number) => ({
  apiVersion: "inference.networking.k8s.io/v1",
  kind: "InferencePool",
  metadata: { name: "llama", namespace: "default" },
  spec: { selector: { matchLabels: { app: "llama" } }, targetPorts: [{ number: port }] },
});

const pod = (name: string, ready: boolean, labels = { app: "llama" }) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels },
  spec: { containers: [{ name: "server", image: "server" }] },
  status: { phase: "Running", podIP: "127.0.0.1", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});

const poolRoute = () => {
  const route = httpRoute("chat", "/chat");
  const backendRefs = [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llama", weight: 1 }];
  return { ...route, spec: { ...route.spec, rules: [{ matches: route.spec.rules[0]?.matches, backendRefs }] } };
};

describe("what is fetched because something asks for it", () => {
  test("the pods of a pool, which count once they are ready and until they are not", async () => {
    const port = await startModel("llama");
    for (const object of [gatewayClass, mainGateway(), pool(port), poolRoute(), pod("one", false)])
      server.apply(object);
    server.apply(pod("other", true, { app: "other" }));
    const replica = await startReplica(server);
    const chat = async () => {
      const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello" }] });
      const headers = { "content-type": "application/json" };
      return await replica.ask("/chat/v1/chat/completions", { method: "POST", headers, body });
    };
    expect((await chat()).status).toBeGreaterThanOrEqual(500);
    const places = server.requests
      .filter(({ resource }) => resource.plural === "pods")
      .map(({ namespace }) => namespace);
    expect(new Set(places)).toEqual(new Set(["default"]));
    server.apply(pod("one", true));
    await eventually(async () => expect((await chat()).text()).toContain('"llama"'));
    await eventually(() =>
      expect(server.get("InferencePool", "default", "llama")["status"]).toMatchObject({
        parents: [
          {
            parentRef: { kind: "Gateway", name: "main" },
            conditions: expect.arrayContaining([expect.objectContaining({ type: "Accepted", status: "True" })]),
          },
        ],
      }),
    );
    server.delete("Pod", "default", "one");
    await eventually(async () => expect((await chat()).status).toBeGreaterThanOrEqual(500));
    server.delete("InferencePool", "default", "llama");
    await eventually(() =>
      expect([...server.watches].some(({ request }) => request.resource.plural === "pods")).toBe(false),
    );
  });

  test("the certificate of a listener, and the next one when its Secret changes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sallyport-secret-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const secret = async (subject: string) => {
      const files = [join(folder, "tls.key"), join(folder, "tls.crt")] as const;
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
      const names = ["-subj", `/CN=${subject}`, "-addext", "subjectAltName=DNS:shop.example"];
      await promisify(execFile)("openssl", ["req", "-x509", ...key, ...names, "-keyout", files[0], "-out", files[1]]);
      const [tlsKey, tlsCrt] = await Promise.all(files.map((file) => readFile(file)));
      return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "shop-tls", namespace: "default" },
        type: "kubernetes.io/tls",
        data: { "tls.crt": tlsCrt?.toString("base64"), "tls.key": tlsKey?.toString("base64") },
      };
    };
    applyShop(server, await startShop("one"));
    const certificateRefs = [{ group: "", kind: "Secret", name: "shop-tls" }];
    const tls = { mode: "Terminate", certificateRefs };
    const gateway = mainGateway();
    const listeners = [
      ...gateway.spec.listeners,
      { name: "https", port: 443, protocol: "HTTPS", hostname: "shop.example", tls },
    ];
    server.apply({ ...gateway, spec: { ...gateway.spec, listeners } });
    const replica = await startReplica(server, { base: `kubernetes: {ports: {80: 0, 443: ${await freePort()}}}\n` });
    const programmed = () => {
      const status = server.get("Gateway", "default", "main")["status"] as {
        listeners?: { name: string; conditions: unknown[] }[];
      };
      return status.listeners?.find(({ name }) => name === "https")?.conditions;
    };
    await eventually(() =>
      expect(programmed()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ type: "ResolvedRefs", status: "False", reason: "InvalidCertificateRef" }),
        ]),
      ),
    );
    const shown = async () => {
      const bound = replica.gateway.listeners().find(({ name }) => name === "default/main/https");
      const { port = 0 } = bound?.address ?? {};
      return await new Promise<unknown>((resolve) => {
        const socket = connect(
          { port, host: "127.0.0.1", servername: "shop.example", rejectUnauthorized: false },
          () => {
            resolve(socket.getPeerCertificate().subject.CN);
            socket.destroy();
          },
        );
        socket.on("error", () => resolve(undefined));
      });
    };
    server.apply(await secret("first"));
    await eventually(async () => expect(await shown()).toBe("first"));
    await eventually(() =>
      expect(programmed()).toEqual(
        expect.arrayContaining([expect.objectContaining({ type: "Programmed", status: "True", reason: "Programmed" })]),
      ),
    );
    server.apply(await secret("second"));
    await eventually(async () => expect(await shown()).toBe("second"));
    expect(JSON.stringify(replica.log.lines)).not.toMatch(/PRIVATE KEY|tls\.key"/);
  });

  test("the pods of a pool stay, and others' certificates come, however many Secrets a stranger's Gateway names", async () => {
    const port = await startModel("llama");
    for (const object of [gatewayClass, mainGateway(), pool(port), poolRoute(), pod("one", true)]) server.apply(object);
    server.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "strange" } });
    const listeners = Array.from({ length: 8 }, (_, index) => ({
      name: `l${index}`,
      port: 443,
      protocol: "HTTPS",
      hostname: `l${index}.strange.example`,
      tls: {
        mode: "Terminate",
        certificateRefs: Array.from({ length: 64 }, (__, at) => ({
          group: "",
          kind: "Secret",
          name: `s${index}-${at}`,
        })),
      },
    }));
    const gateway = mainGateway();
    server.apply({ ...gateway, metadata: { name: "a", namespace: "strange" }, spec: { ...gateway.spec, listeners } });
    const replica = await startReplica(server, {
      base: `kubernetes: {platformNamespaces: [default], ports: {80: 0, 443: ${await freePort()}}}\n`,
    });
    const chat = async () => {
      const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello" }] });
      const headers = { "content-type": "application/json" };
      return await replica.ask("/chat/v1/chat/completions", { method: "POST", headers, body });
    };
    await eventually(async () => expect((await chat()).text()).toContain('"llama"'));
    await eventually(() => {
      const status = server.get("Gateway", "strange", "a")["status"] as { listeners?: { conditions: unknown[] }[] };
      expect(status?.listeners?.[7]?.conditions).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            type: "ResolvedRefs",
            status: "False",
            message: expect.stringContaining("512 Secrets and ConfigMaps of namespace strange are named"),
          }),
        ]),
      );
    });
    expect(JSON.stringify(replica.log.lines)).toContain("of namespace strange are named");
    const followed = [...server.watches].filter(({ request }) => request.resource.plural === "secrets");
    expect(followed.length).toBeLessThanOrEqual(100);
  });
});
