import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../free-port.ts";
import { ApiFailure } from "../k8s/api-server/api-failure.ts";
import { type ApiServer, startApiServer } from "../k8s/api-server/api-server.ts";
import { applyShop, httpRoute, startShop } from "../k8s/api/cluster-scene.ts";
import { eventually } from "./eventually.ts";
import { listenOn } from "./serve-process.ts";

const root = resolve(import.meta.dirname, "../..");
let server: ApiServer;
let dir = "";

beforeEach(async () => {
  server = await startApiServer();
  dir = mkdtempSync(join(tmpdir(), "sallyport-kubernetes-"));
  return async () => {
    await server.stop().catch(() => undefined);
    rmSync(dir, { recursive: true, force: true });
  };
});

/** `sallyport serve --kubernetes …` in a process of its own; it ends with the test. */
function serve(...options: readonly string[]) {
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "serve", ...options], {
    cwd: dir,
    env: { ...process.env, KUBECONFIG: "", HOME: dir, KUBERNETES_SERVICE_HOST: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, ended, output: () => output };
}

function writeKubeconfig(token: string): string {
  const file = join(dir, "kubeconfig");
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "c", cluster: { server: server.url } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "test", context: { cluster: "c", user: "u", namespace: "agents" } }],
    }),
  );
  return file;
}

/** A configuration on this port and those after it. */
function writeBase(port: number): string {
  const file = join(dir, "base.yaml");
  writeFileSync(
    file,
    `listen: ${listenOn(port)}\nstate: memory\npolicies: open\nkubernetes: {platformNamespaces: [default]}\n`,
  );
  return file;
}

describe("serve --kubernetes", { timeout: 180_000 }, () => {
  test("follows the API server of a kubeconfig from its start to its end", async () => {
    server.tokens = new Set(["good"]);
    applyShop(server, await startShop("one"));
    const port = await freePort();
    writeFileSync(
      join(dir, "base.yaml"),
      `listen: ${listenOn(port)}\nstate: memory\npolicies: open\nkubernetes: {platformNamespaces: [default]}\npublicUrl: http://shop.example:${port}\n`,
    );
    const { child, ended, output } = serve(
      "--kubernetes",
      "--kubeconfig",
      writeKubeconfig("good"),
      "--config",
      join(dir, "base.yaml"),
    );
    const get = async (path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    await eventually(async () => expect(await get("/shop")).toBe("one"), 1_000);
    server.apply(httpRoute("late", "/late"));
    await eventually(async () => expect(await get("/late")).toBe("one"));
    await eventually(() =>
      expect(server.get("Gateway", "default", "main")["status"]).toMatchObject({
        addresses: [{ type: "Hostname", value: "shop.example" }],
      }),
    );
    const metrics = await (await fetch(`http://127.0.0.1:${port + 2}/metrics`)).text();
    expect(metrics).toContain('sallyport_kubernetes_lists_total{kind="httproutes"} 1');
    expect(metrics).toContain('sallyport_kubernetes_objects{kind="httproutes"} 2');
    expect(metrics).toContain("sallyport_kubernetes_status_writer 1");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await eventually(() => expect(server.watches.size).toBe(0));
    expect(server.get("Lease", "agents", "sallyport")).toMatchObject({ spec: { holderIdentity: "" } });
    expect(output()).not.toMatch(/"level":"error"|good/);
  });

  test("waits for a server that is away: alive, not ready, and it ends at once when it is told to", async () => {
    const kubeconfig = writeKubeconfig("good");
    await server.stop();
    const port = await freePort();
    const { child, ended, output } = serve("--kubernetes", "--kubeconfig", kubeconfig, "--config", writeBase(port));
    const health = (path: string) => fetch(`http://127.0.0.1:${port + 2}${path}`);
    await eventually(async () => {
      const answer = await health("/readyz");
      expect([answer.status, await answer.text()]).toEqual([
        503,
        expect.stringMatching(/^starting\nthe API server cannot be reached: .*ECONNREFUSED/),
      ]);
    }, 1_000);
    expect((await health("/livez")).status).toBe(200);
    expect(await (await health("/metrics")).text()).toContain("sallyport_kubernetes_reachable 0");
    expect(output()).toContain("the API server cannot be reached");
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("is served as soon as the server that it waited for is there", async () => {
    server.tokens = new Set(["good"]);
    const kubeconfig = writeKubeconfig("good");
    applyShop(server, await startShop("one"));
    await server.stop();
    const port = await freePort();
    const { child, ended } = serve("--kubernetes", "--kubeconfig", kubeconfig, "--config", writeBase(port));
    const ready = async () => (await fetch(`http://127.0.0.1:${port + 2}/readyz`)).status;
    await eventually(async () => expect(await ready()).toBe(503), 1_000);
    await server.start();
    await eventually(async () => expect(await ready()).toBe(200), 1_000);
    expect(await (await fetch(`http://127.0.0.1:${port}/shop`)).text()).toBe("one");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await expect(ready()).rejects.toThrow();
  });

  test("starts though one kind cannot be read, and says on /readyz and in the log which", async () => {
    server.tokens = new Set(["good"]);
    applyShop(server, await startShop("one"));
    server.intercept = ({ resource }) =>
      resource.plural === "trafficpolicies" ? new ApiFailure(500, "InternalError", "no webhook") : undefined;
    const port = await freePort();
    const { child, ended, output } = serve(
      "--kubernetes",
      "--kubeconfig",
      writeKubeconfig("good"),
      "--config",
      writeBase(port),
    );
    const readiness = async () => {
      const answer = await fetch(`http://127.0.0.1:${port + 2}/readyz`);
      return `${answer.status} ${await answer.text()}`;
    };
    const doubt = "trafficpolicies.gateway.kgateway.dev: no webhook\n";
    await eventually(async () => expect(await readiness()).toBe(`503 starting\n${doubt}`), 1_000);
    await eventually(async () => expect(await readiness()).toBe(`503 not ready\n${doubt}`), 1_000);
    expect((await fetch(`http://127.0.0.1:${port}/shop`)).status).toBe(500);
    expect(output()).toContain("trafficpolicies.gateway.kgateway.dev cannot be read and count as unknown");
    server.intercept = () => undefined;
    await eventually(async () => expect(await readiness()).toBe("200 ready\n"), 1_000);
    expect(await (await fetch(`http://127.0.0.1:${port}/shop`)).text()).toBe("one");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("says what is wrong with the file without asking the server", async () => {
    await server.stop();
    const file = join(dir, "base.yaml");
    writeFileSync(file, "listen: {port: none}\npolicies: open\n");
    const { ended, output } = serve("--kubernetes", "--kubeconfig", writeKubeconfig("good"), "--config", file);
    expect(await ended).toBe(1);
    expect(output()).toContain("listen.port");
  });

  test("says that there is neither a cluster around it nor a kubeconfig", async () => {
    const { ended, output } = serve("--kubernetes");
    expect(await ended).toBe(1);
    expect(output()).toContain(
      "there is no kubeconfig, and this is no pod of a cluster: name one with --kubeconfig or KUBECONFIG",
    );
  });
});
