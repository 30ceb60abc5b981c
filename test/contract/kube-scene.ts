import { networkInterfaces } from "node:os";
import type { ApiAccess } from "../../src/k8s/api/api-access.ts";
import { askServer } from "./kube-apiserver.ts";

type Json = Readonly<Record<string, unknown>>;

const { SALLYPORT_CONTRACT_URL: url = "", SALLYPORT_CONTRACT_TOKEN: token = "" } = process.env;

/** The way to the server that the command has started. */
export const access: ApiAccess = {
  from: "the contract",
  server: url,
  namespace: "contract",
  /* It makes its certificate itself when it starts. */
  credentials: () => Promise.resolve({ headers: { authorization: `Bearer ${token}` }, tls: { insecure: true } }),
  renew() {},
};

/** One request as the administrator of that cluster. */
export async function askKube(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
  const { status, text } = await askServer({ url, token }, method, path, body);
  return { status, body: text.startsWith("{") ? (JSON.parse(text) as Json) : {} };
}

/** Where objects of a kind are, or undefined where the server does not know it. */
export async function folderOf(apiVersion: string, kind: string, namespace: string): Promise<string | undefined> {
  const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  const resources = (await askKube("GET", root)).body["resources"] as
    | readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[]
    | undefined;
  const found = resources?.find((one) => one.kind === kind && !one.name.includes("/"));
  if (found === undefined) return undefined;
  return found.namespaced ? `${root}/namespaces/${namespace}/${found.name}` : `${root}/${found.name}`;
}

/** Creates an object as `kubectl create` does; throws with the server's words. */
export async function createObject(object: { apiVersion: string; kind: string; metadata: object }): Promise<string> {
  const { namespace = "default", name } = object.metadata as { namespace?: string; name: string };
  const folder = await folderOf(object.apiVersion, object.kind, namespace);
  if (folder === undefined) throw new Error(`the server knows no ${object.kind}`);
  const made = await askKube("POST", folder, object);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return `${folder}/${name}`;
}

/** An address of this machine that an EndpointSlice may name: a server takes no loopback there. */
export const ownAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === "IPv4" && !one.internal)?.address;
