import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parseDocument } from "yaml";
import { startSimulator } from "../../../models/simulator/simulator.ts";
import { freePorts } from "../../../src/cli/quickstart-process.ts";
import { startStaticIssuer } from "../../auth/static-issuer.ts";
import { startServeProcess } from "../../e2e/serve-process.ts";
import { makeCertificates } from "../../gateway/listeners-scene.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { ownAddress } from "../own-address.ts";
import { find, k8s, type Manifest, readAdded } from "./manifests.ts";
import { makeSecrets, mountFiles } from "./mounts.ts";
import { createPermissions } from "./permissions.ts";

/* The production overlay without a cluster: a gateway with its configuration, which follows an API server that has its Gateway, and may do
   there what its roles say. What differs is where things are: addresses, ports, the issuer, and the state, which is in memory. */

export const HOST = "gateway.example.com";
const production = join(k8s, "overlays/production");

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

interface Call {
  readonly token?: string | undefined;
  readonly body?: object;
  /** Another host than the gateway's. */
  readonly host?: string;
}

export interface ProductionScene {
  readonly api: ApiServer;
  /** What the API server was asked for and the overlay's roles do not allow. */
  readonly refused: readonly string[];
  /** The port of a model server on this machine. */
  readonly modelPort: number;
  call(path: string, call?: Call): Promise<Answer>;
  /** A token of the issuer for somebody of a team. */
  tokenOf(team: string): Promise<string>;
}

export const namespaceOf = (name: string, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { "kubernetes.io/metadata.name": name, ...labels } },
});

/** The overlay's sallyport.yaml, with the addresses of this machine. */
function configAt(port: number, issuer: string): string {
  const config = parseDocument(readFileSync(join(production, "sallyport.yaml"), "utf8"));
  for (const [path, value] of [
    [["listen", "host"], "127.0.0.1"],
    [["listen", "port"], port],
    [["listen", "console", "port"], port + 1],
    [["listen", "health", "host"], "127.0.0.1"],
    [["listen", "health", "port"], port + 2],
    [["auth", "issuers"], [issuer]],
    [["state"], "memory"],
    /* Its pod's, which nobody knows outside of a pod. */
    [["kubernetes", "platformNamespaces"], ["sallyport"]],
  ] as const)
    config.setIn(path, value);
  return config.toString();
}

function kubeconfigFor(server: string): string {
  const context = { cluster: "c", user: "u", namespace: "sallyport" };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    contexts: [{ name: "main", context }],
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token: "any" } }],
  });
}

/** Starts it; everything ends with the test. */
export async function startProduction(): Promise<ProductionScene> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-production-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const certificates = makeCertificates();
  onTestFinished(() => certificates.remove());
  await certificates.make("gateway", HOST);
  const pair = { "tls.crt": certificates.pem("gateway", "crt"), "tls.key": certificates.pem("gateway", "key") };
  const [api, issuer, model] = await Promise.all([
    startApiServer(),
    startStaticIssuer(),
    startSimulator({ port: 0, host: ownAddress(), model: "llama-3-8b" }),
  ]);
  onTestFinished(async () => void (await Promise.all([api.stop(), model.close()])));

  const added = readAdded(production);
  const permissions = createPermissions(added);
  const refused: string[] = [];
  api.intercept = (asked) => {
    const failure = permissions(asked);
    if (failure !== undefined) refused.push(failure.message);
    return failure;
  };
  const tls = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "sallyport-tls", namespace: "sallyport" },
    type: "kubernetes.io/tls",
    data: Object.fromEntries(Object.entries(pair).map(([name, pem]) => [name, Buffer.from(pem).toString("base64")])),
  };
  const gateways = [find(added, "GatewayClass", "sallyport"), find(added, "Gateway", "sallyport")];
  for (const object of [namespaceOf("sallyport"), tls, ...gateways]) api.apply({ ...object });

  mountFiles(join(folder, "tls"), pair);
  mountFiles(join(folder, "secrets"), makeSecrets(["admin-token", "openai-key"]));
  mkdirSync(join(folder, "config"));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigFor(api.url));
  const port = await freePorts();
  const env = { NAMESPACE: "sallyport", PUBLIC_URL: `https://${HOST}`, MODEL_URL: model.url };
  const args = ["--kubernetes", "--kubeconfig", kubeconfig];
  const gateway = await startServeProcess(join(folder, "config"), port, configAt(port, issuer.url), env, args);
  onTestFinished(() => gateway.kill());
  return {
    api,
    refused,
    modelPort: Number(new URL(model.url).port),
    tokenOf: (team) => issuer.token(`https://${HOST}`, { sub: `somebody of ${team}`, team }),
    call: (path, { token, body, host = HOST } = {}) =>
      new Promise((resolve, reject) => {
        const headers = {
          host,
          "content-type": "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        };
        const method = body === undefined ? "GET" : "POST";
        const place = { host: "127.0.0.1", port, servername: host, ca: pair["tls.crt"], agent: false };
        const check = host === HOST ? {} : { rejectUnauthorized: false };
        request({ ...place, ...check, path, method, headers }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          );
        })
          .on("error", reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
}
