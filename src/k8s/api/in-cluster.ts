import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { type ApiAccess, rememberCredentials } from "./api-access.ts";

/** Where the kubelet puts the token of a pod's service account. */
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterOptions {
  readonly clock: Clock;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
}

/** The API server of the cluster this process runs in, as the service account of its pod; undefined outside of a cluster. */
export function findInCluster({
  clock,
  env = process.env,
  folder = accountFolder,
}: InClusterOptions): ApiAccess | undefined {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const tokenFile = join(folder, "token");
  if (host === "" || !existsSync(tokenFile)) return undefined;
  const namespaceFile = join(folder, "namespace");
  const written = existsSync(namespaceFile) ? readFileSync(namespaceFile, "utf8").trim() : "";
  const namespace = written === "" ? undefined : written;
  return {
    from: "the service account of this pod",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    namespace,
    podNamespace: namespace,
    /* The kubelet changes the token long before it ends, and the file with it. */
    ...rememberCredentials(async () => {
      const [token, ca] = await Promise.all([readFile(tokenFile, "utf8"), readFile(join(folder, "ca.crt"), "utf8")]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    }, clock.monotonic),
  };
}
