import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { type ApiAccess, type ApiCredentials, rememberCredentials } from "./api-access.ts";
import { reasonOf } from "./api-error.ts";

/* What is used of @kubernetes/client-node, which is loaded only here: its models cost 90 MB of memory, which a pod does without. */
interface KubeConfig {
  loadFromFile(file: string): void;
  loadFromDefault(): void;
  setCurrentContext(name: string): void;
  getCurrentContext(): string | undefined;
  getContexts(): readonly { readonly name: string }[];
  getContextObject(name: string): { readonly namespace?: string; readonly user?: string } | null;
  getCurrentCluster(): Cluster | null;
  getCurrentUser(): User | null;
  loadFromClusterAndUser(cluster: Cluster, user: { readonly name: string }): void;
  applyToHTTPSOptions(options: HttpsOptions): Promise<void>;
}

interface Cluster {
  readonly name: string;
  readonly server: string;
  skipTLSVerify?: boolean;
  readonly proxyUrl?: string;
}

interface User {
  readonly exec?: { env?: { readonly name: string; readonly value: string }[]; readonly apiVersion?: string };
}

interface HttpsOptions {
  headers?: Record<string, string>;
  auth?: string;
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

const packageName = "@kubernetes/client-node";
const packageVersion = "2.0.1";
/* Not its index, which loads still more. */
const moduleName = `${packageName}/dist/config.js`;
/** A plug-in that wants to be asked something, or hangs, is not waited for longer than this. */
const PLUGIN_LIMIT_MS = 60_000;

export interface KubeconfigOptions {
  readonly clock: Clock;
  /** Default: what `KUBECONFIG` names, or `~/.kube/config`. */
  readonly file: string | undefined;
  /** Default: the file's current one. */
  readonly context: string | undefined;
}

/** The API server of a kubeconfig, as the user of its context: certificates, tokens, plug-ins and what else kubectl reads there. */
export async function loadKubeconfig({ clock, file, context }: KubeconfigOptions): Promise<ApiAccess> {
  const named = process.env["KUBECONFIG"] ?? "";
  /* Where there is none the library would call port 8080 of this machine. */
  if (file === undefined && named === "" && !existsSync(join(homedir(), ".kube", "config")))
    throw new Error(
      "there is no kubeconfig, and this is no pod of a cluster: name one with --kubeconfig or KUBECONFIG",
    );
  const KubeConfigClass = await loadClass();
  const from = file ?? (named === "" ? "~/.kube/config" : named);
  const open = () => openConfig(new KubeConfigClass(), from, file, context);
  let config = open();
  const name = config.getCurrentContext() ?? "";
  const { server = "" } = config.getCurrentCluster() ?? {};
  return {
    from: context === undefined && name === "loaded-context" ? from : `context ${name} of ${from}`,
    server,
    namespace: config.getContextObject(name)?.namespace,
    ...rememberCredentials(async (anew) => {
      /* It remembers what a plug-in gave it until that ends by itself. */
      if (anew) config = open();
      return await readCredentials(config, from);
    }, clock.monotonic),
  };
}

async function loadClass(): Promise<new () => KubeConfig> {
  try {
    createRequire(import.meta.url).resolve(moduleName);
  } catch {
    throw new Error(
      `reading a kubeconfig needs the package ${packageName}, which was left out of this installation: npm install ${packageName}@${packageVersion}`,
    );
  }
  const { KubeConfig } = (await import(moduleName)) as { readonly KubeConfig: new () => KubeConfig };
  return KubeConfig;
}

function openConfig(config: KubeConfig, from: string, file: string | undefined, context: string | undefined) {
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const missing = error instanceof Error && "code" in error;
    if (missing) throw new Error(`${from}: ${error.message}`, { cause: error });
    // oxlint-disable-next-line eslint/preserve-caught-error -- what the YAML parser says shows the lines around, and there may be a key in them
    throw new Error(`${from} cannot be read as a kubeconfig`);
  }
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new Error(`${from} has no context ${context}; it has ${known.length === 0 ? "none" : known.join(", ")}`);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`${from}: the context ${config.getCurrentContext() ?? ""} names no cluster`);
  if (!/^https?:\/\//.test(cluster.server)) throw new Error(`${from}: ${cluster.server} is not an address`);
  if (cluster.proxyUrl !== undefined)
    throw new Error(`${from}: proxy-url of the cluster ${cluster.name} is not supported: connect without a proxy`);
  /* Without encryption there is no certificate to look at, and the library insists that this was said. */
  if (cluster.server.startsWith("http:")) cluster.skipTLSVerify = true;
  /* And it trusts the cluster's authority for the sake of a user alone. */
  if (config.getCurrentUser() === null) config.loadFromClusterAndUser(cluster, { name: "anonymous" });
  describeTo(config.getCurrentUser());
  return config;
}

/* Which version of the answer a plug-in is to give (client.authentication.k8s.io/v1); the library does not say it. */
function describeTo(user: User | null): void {
  const { exec } = user ?? {};
  if (exec?.apiVersion === undefined) return;
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  exec.env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }];
}

async function readCredentials(config: KubeConfig, from: string): Promise<ApiCredentials> {
  const options: HttpsOptions = {};
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the plug-in gave no credentials in time")), PLUGIN_LIMIT_MS);
  });
  try {
    await Promise.race([config.applyToHTTPSOptions(options), late]);
  } catch (error) {
    throw new Error(`${from}: credentials cannot be had: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const basic =
    options.auth === undefined ? {} : { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` };
  const given = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value.trim()]);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  return {
    headers: { ...basic, ...(Object.fromEntries(given) as Record<string, string>) },
    tls: { ca, cert, key, servername, insecure: rejectUnauthorized === false },
  };
}
