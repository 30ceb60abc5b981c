import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { freePort } from "../free-port.ts";

export interface RunningApiServer {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 90_000;
const TRY_EVERY_MS = 250;
const CRDS = fileURLToPath(new URL("../../k8s/crds/", import.meta.url));

const howTo =
  "needs the programs etcd and kube-apiserver, in PATH or in the folder that KUBEBUILDER_ASSETS names: " +
  "export KUBEBUILDER_ASSETS=$(go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest use -p path)";

function findProgram(name: string): string | undefined {
  const folders = [process.env["KUBEBUILDER_ASSETS"] ?? "", ...(process.env["PATH"] ?? "").split(":")];
  return folders.map((folder) => join(folder, name)).find((path) => path.startsWith("/") && existsSync(path));
}

/**
 * Starts etcd and kube-apiserver on this machine alone, with keys and files of their own, and installs the kinds of `k8s/crds` and of
 * the folder that GATEWAY_API_CRDS names; or says what is missing.
 */
export async function startKubeApiServer(): Promise<RunningApiServer | string> {
  const [etcd, apiServer] = [findProgram("etcd"), findProgram("kube-apiserver")];
  if (etcd === undefined || apiServer === undefined) return howTo;
  const dir = mkdtempSync(join(tmpdir(), "sallyport-kube-"));
  const children: ChildProcess[] = [];
  let said = "";
  const run = (program: string, args: readonly string[]) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], cwd: dir });
    const listen = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000));
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    children.push(child);
  };
  const stop = async () => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const [clients, peers, port] = [await freePort(), await freePort(), await freePort()];
    const store = `http://127.0.0.1:${clients}`;
    run(etcd, [
      ...["--data-dir", join(dir, "etcd"), "--listen-client-urls", store, "--advertise-client-urls", store],
      ...["--listen-peer-urls", `http://127.0.0.1:${peers}`],
    ]);
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2_048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const key = join(dir, "account.key");
    writeFileSync(key, privateKey, { mode: 0o600 });
    const token = randomBytes(24).toString("hex");
    writeFileSync(join(dir, "tokens.csv"), `${token},contract,contract,system:masters\n`, { mode: 0o600 });
    run(apiServer, [
      ...["--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", String(port)],
      ...["--cert-dir", join(dir, "certificates"), "--token-auth-file", join(dir, "tokens.csv")],
      ...["--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key],
      ...["--service-account-signing-key-file", key, "--authorization-mode", "RBAC"],
      ...["--service-cluster-ip-range", "10.0.0.0/24", "--disable-admission-plugins", "ServiceAccount"],
    ]);
    const running = { url: `https://127.0.0.1:${port}`, token, stop };
    for (let waited = 0; waited < START_LIMIT_MS; waited += TRY_EVERY_MS) {
      if (children.some(({ exitCode }) => exitCode !== null)) break;
      if ((await askServer(running, "GET", "/readyz").catch(() => undefined))?.status === 200) {
        await install(running);
        return running;
      }
      await wait(TRY_EVERY_MS);
    }
    throw new Error("not ready in time");
  } catch (error) {
    await stop();
    return `etcd or kube-apiserver did not start (${String(error)}):\n${said}`;
  }
}

/** The versions of both programs, for the report. */
export const kubeVersions = (): string =>
  ["etcd", "kube-apiserver"]
    .map(
      (name) => spawnSync(findProgram(name) ?? name, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "",
    )
    .join(", ");

type Server = Pick<RunningApiServer, "url" | "token">;

/** One request as the administrator of that cluster. */
export async function askServer({ url, token }: Server, method: string, path: string, body?: unknown) {
  const egress = { allow: [], connections: 1, connectTimeout: 2_000 };
  const upstream = createUpstream({ egress, tls: { insecure: true } });
  try {
    const response = await upstream.request({
      url: new URL(url + path),
      trust: "configured",
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
    });
    return { status: response.status, text: (await response.bytes(10_000_000)).toString() };
  } finally {
    await upstream.close();
  }
}

async function install(server: Server): Promise<void> {
  const folders = [CRDS, process.env["GATEWAY_API_CRDS"]].filter((folder) => folder !== undefined);
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const crds = files
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as { kind?: string }),
    )
    .filter((document) => document?.kind === "CustomResourceDefinition");
  const root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  for (const crd of crds) {
    const made = await askServer(server, "POST", root, crd);
    if (made.status !== 201) throw new Error(made.text.slice(0, 500));
  }
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "contract" } };
  await askServer(server, "POST", "/api/v1/namespaces", namespace);
  for (let waited = 0; waited < START_LIMIT_MS; waited += TRY_EVERY_MS) {
    const { items } = JSON.parse((await askServer(server, "GET", root)).text) as {
      items: { status?: { conditions?: { type: string; status: string }[] } }[];
    };
    const established = items.filter(({ status }) =>
      status?.conditions?.some((condition) => condition.type === "Established" && condition.status === "True"),
    );
    const served = await askServer(server, "GET", "/apis/sallyport.dev/v1alpha1/mcpservers");
    if (established.length === crds.length && served.status === 200) return;
    await wait(TRY_EVERY_MS);
  }
  throw new Error("the kinds were not established in time");
}
