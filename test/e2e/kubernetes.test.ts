import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../free-port.ts";
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

describe("serve --kubernetes", { timeout: 90_000 }, () => {
  test("follows the API server of a kubeconfig from its start to its end", async () => {
    server.tokens = new Set(["good"]);
    applyShop(server, await startShop("one"));
    const port = await freePort();
    writeFileSync(
      join(dir, "base.yaml"),
      `listen: ${listenOn(port)}\nstate: memory\npolicies: open\npublicUrl: http://shop.example:${port}\n`,
    );
    const { child, ended, output } = serve(
      "--kubernetes",
      "--kubeconfig",
      writeKubeconfig("good"),
      "--config",
      join(dir, "base.yaml"),
    );
    const get = async (path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    await eventually(async () => expect(await get("/shop")).toBe("one"), 400);
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

  test("waits for a server that is away, says so, and ends when it is told to", async () => {
    const kubeconfig = writeKubeconfig("good");
    await server.stop();
    const { child, ended, output } = serve("--kubernetes", "--kubeconfig", kubeconfig);
    await eventually(() => expect(output()).toContain("the API server cannot be reached"), 400);
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("says that there is neither a cluster around it nor a kubeconfig", async () => {
    const { ended, output } = serve("--kubernetes");
    expect(await ended).toBe(1);
    expect(output()).toContain(
      "there is no kubeconfig, and this is no pod of a cluster: name one with --kubeconfig or KUBECONFIG",
    );
  });
});
