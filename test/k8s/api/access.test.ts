import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { ApiAccess } from "../../../src/k8s/api/api-access.ts";
import { createApiClient } from "../../../src/k8s/api/api-client.ts";
import { findInCluster } from "../../../src/k8s/api/in-cluster.ts";
import { loadKubeconfig } from "../../../src/k8s/api/kubeconfig.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { createLineLog, openScene, type Scene } from "./scene.ts";

let folder = "";
const at = (name: string) => join(folder, name);
const clock = systemClock;

/** An authority, and certificates of its own for a server and a client, made for this run. */
async function makeCertificates(): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await openssl("req", "-x509", ...key, "-subj", "/CN=ca", "-keyout", at("ca.key"), "-out", at("ca.crt"));
  for (const [name, names] of [
    ["server", "subjectAltName=IP:127.0.0.1"],
    ["named", "subjectAltName=DNS:api.example"],
    ["client", "subjectAltName=DNS:client"],
  ] as const) {
    const signed = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-subj", `/CN=${name}`, "-addext", names];
    await openssl("req", "-x509", ...key, ...signed, "-keyout", at(`${name}.key`), "-out", at(`${name}.crt`));
  }
}

async function startTls(name = "server", clientCertificates = false): Promise<ApiServer> {
  const [cert, key, ca] = await Promise.all(
    [`${name}.crt`, `${name}.key`, "ca.crt"].map((file) => readFile(at(file), "utf8")),
  );
  return await startApiServer({
    tls: { cert: cert ?? "", key: key ?? "", ...(clientCertificates && ca !== undefined && { ca }) },
  });
}

interface KubeconfigParts {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

async function kubeconfig(
  name: string,
  server: string,
  { cluster = {}, user, context = {} }: KubeconfigParts,
): Promise<string> {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users: user === undefined ? [] : [{ name: "u", user }],
    contexts: [
      { name: "main", context: { cluster: "c", ...(user !== undefined && { user: "u" }), ...context } },
      { name: "other", context: { cluster: "missing", user: "u" } },
    ],
  });
  await writeFile(at(name), text);
  return at(name);
}

let scene: Scene;
const pods = "/api/v1/pods";
const signal = new AbortController().signal;

/** What the server answers to whoever has this access. */
async function ask(access: ApiAccess): Promise<unknown> {
  const client = createApiClient({ access, clock, log: createLineLog(), metrics: scene.metrics });
  try {
    return await client.get(pods, signal);
  } finally {
    await client.close();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-kubeconfig-"));
  await makeCertificates();
  scene = await openScene();
});
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the service account of a pod", () => {
  test("is used with its token as it lies there now, trusting the cluster's authority alone", async () => {
    const server = await startTls();
    try {
      server.tokens = new Set(["first"]);
      await writeFile(at("token"), "first\n");
      await writeFile(at("namespace"), "agents");
      const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(server.port) };
      const access = findInCluster({ clock, env, folder });
      if (access === undefined) throw new Error("not found");
      expect(access).toMatchObject({ server: server.url, namespace: "agents", podNamespace: "agents" });
      expect(await ask(access)).toMatchObject({ kind: "PodList" });
      /* Changed by the kubelet, and the former one ended. */
      await writeFile(at("token"), "second");
      server.tokens = new Set(["second"]);
      expect(await ask(access)).toMatchObject({ kind: "PodList" });
      await expect(ask({ ...access, credentials: () => Promise.resolve({ headers: {}, tls: {} }) })).rejects.toThrow();
    } finally {
      await server.stop();
    }
  });

  test("is none outside of a cluster", () => {
    expect(findInCluster({ clock, env: {}, folder })).toBeUndefined();
    expect(findInCluster({ clock, env: { KUBERNETES_SERVICE_HOST: "::1" }, folder: at("nowhere") })).toBeUndefined();
    expect(findInCluster({ clock, env: { KUBERNETES_SERVICE_HOST: "::1" }, folder })?.server).toBe("https://[::1]:443");
  });
});

describe("a kubeconfig", () => {
  test("with a token, an authority and a namespace", async () => {
    const server = await startTls();
    try {
      server.tokens = new Set(["good"]);
      const file = await kubeconfig("token.yaml", server.url, {
        cluster: { "certificate-authority": "ca.crt" },
        user: { token: "good" },
        context: { namespace: "agents" },
      });
      const access = await loadKubeconfig({ clock, file, context: undefined });
      expect(access).toMatchObject({ from: `context main of ${file}`, server: server.url, namespace: "agents" });
      expect(await ask(access)).toMatchObject({ kind: "PodList" });
    } finally {
      await server.stop();
    }
  });

  test("with a certificate of the client, data in place of files, and another name of the server", async () => {
    const server = await startTls("named", true);
    try {
      const data = async (file: string) => (await readFile(at(file))).toString("base64");
      const file = await kubeconfig("certificate.yaml", server.url, {
        cluster: { "certificate-authority-data": await data("ca.crt"), "tls-server-name": "api.example" },
        user: { "client-certificate-data": await data("client.crt"), "client-key-data": await data("client.key") },
      });
      expect(await ask(await loadKubeconfig({ clock, file, context: "main" }))).toMatchObject({ kind: "PodList" });
      const stranger = await kubeconfig("stranger.yaml", server.url, {
        cluster: { "certificate-authority-data": await data("ca.crt"), "tls-server-name": "api.example" },
        user: { token: "x" },
      });
      await expect(ask(await loadKubeconfig({ clock, file: stranger, context: "main" }))).rejects.toThrow();
    } finally {
      await server.stop();
    }
  });

  test("with a plug-in, which is run again when the server no longer takes what it gave", async () => {
    const server = await startApiServer();
    try {
      server.tokens = new Set(["1"]);
      const plugin = at("plugin.mjs");
      await writeFile(
        plugin,
        `import { appendFileSync, readFileSync } from "node:fs";
const { apiVersion, kind } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
appendFileSync(${JSON.stringify(at("runs"))}, "x");
const token = String(readFileSync(${JSON.stringify(at("runs"))}, "utf8").length);
console.log(JSON.stringify({ apiVersion, kind, status: { token, expirationTimestamp: "2099-01-01T00:00:00Z" } }));`,
      );
      await chmod(plugin, 0o755);
      const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: [plugin] };
      const file = await kubeconfig("exec.yaml", server.url, { user: { exec } });
      const access = await loadKubeconfig({ clock, file, context: undefined });
      expect(await ask(access)).toMatchObject({ kind: "PodList" });
      expect(await ask(access)).toMatchObject({ kind: "PodList" });
      expect(await readFile(at("runs"), "utf8")).toBe("x");
      server.tokens = new Set(["2"]);
      const answers = await Promise.all([ask(access), ask(access), ask(access)]);
      expect(answers).toMatchObject([{ kind: "PodList" }, { kind: "PodList" }, { kind: "PodList" }]);
      expect(await readFile(at("runs"), "utf8")).toBe("xx");
    } finally {
      await server.stop();
    }
  });

  test("without encryption and without a user, as a local proxy wants it", async () => {
    const server = await startApiServer();
    try {
      const file = await kubeconfig("proxy.yaml", server.url, {});
      expect(await ask(await loadKubeconfig({ clock, file, context: undefined }))).toMatchObject({ kind: "PodList" });
    } finally {
      await server.stop();
    }
  });

  test("of a server whose certificate nobody signed is refused, unless the file says that this does not matter", async () => {
    const server = await startTls();
    try {
      const strict = await kubeconfig("strict.yaml", server.url, { user: { token: "t" } });
      await expect(ask(await loadKubeconfig({ clock, file: strict, context: undefined }))).rejects.toThrow();
      const lax = await kubeconfig("lax.yaml", server.url, {
        cluster: { "insecure-skip-tls-verify": true },
        user: { token: "t" },
      });
      expect(await ask(await loadKubeconfig({ clock, file: lax, context: undefined }))).toMatchObject({
        kind: "PodList",
      });
    } finally {
      await server.stop();
    }
  });

  test("that cannot be used says why, and shows nothing of what stands in it", async () => {
    const load = (file: string, context?: string) => loadKubeconfig({ clock, file, context });
    await expect(load(at("none.yaml"))).rejects.toThrow(/none\.yaml: ENOENT/);
    const file = await kubeconfig("some.yaml", "https://127.0.0.1:1", { user: { token: "t" } });
    await expect(load(file, "wrong")).rejects.toThrow(`${file} has no context wrong; it has main, other`);
    await expect(load(file, "other")).rejects.toThrow(`${file}: the context other names no cluster`);
    const proxied = await kubeconfig("proxied.yaml", "https://127.0.0.1:1", {
      cluster: { "proxy-url": "http://proxy" },
    });
    await expect(load(proxied)).rejects.toThrow("proxy-url of the cluster c is not supported");
    await writeFile(at("broken.yaml"), "users: [{name: u, user: {token: very-secret}\n  - :");
    await expect(load(at("broken.yaml"))).rejects.toThrow(`${at("broken.yaml")} cannot be read as a kubeconfig`);
    await writeFile(at("empty.yaml"), "");
    await expect(load(at("empty.yaml"))).rejects.toThrow("empty.yaml");
    const failing = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: ["-e", "process.exit(3)"],
    };
    const exec = await kubeconfig("failing.yaml", "https://127.0.0.1:1", { user: { exec: failing } });
    await expect((await load(exec)).credentials()).rejects.toThrow("credentials cannot be had");
  });
});
