import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import type { BuiltConfig } from "../../src/k8s/build-config.ts";
import { createFolderSource } from "../../src/k8s/folder-source.ts";
import { type Answer, ask, type AskOptions } from "../services/services-scene.ts";

/** A Gateway for every namespace on port 80, which is that of `listen`. */
export const openGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra}
spec:
  gatewayClassName: sallyport
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`;

/** An HTTPRoute of namespace \`default\` on that Gateway. */
export const route = (name: string, spec: string, parent = "{name: gw, namespace: infra}") => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec: {parentRefs: [${parent}], ${spec}}
`;

/** A Service with one port, 80, which its pods call 8080. */
export const service = (name: string, namespace = "default") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {ports: [{name: web, port: 80, targetPort: 8080}]}
`;

export const manifests = (...documents: readonly string[]) => documents.join("\n---\n");

export interface ManifestsScene {
  readonly gateway: Gateway;
  readonly built: BuiltConfig;
  readonly port: number;
  readonly dir: string;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  /** Writes the folder anew and puts it in force. */
  reload(text: string): Promise<void>;
}

/** Ports of nobody else, nothing kept, nothing said. */
export const baseConfig = `
listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
observability: {log: {level: silent}}
drain: {grace: 1ms}
state: memory
`;

/** A folder of manifests and a configuration file beside it. */
export function manifestFolder(text: string, base = baseConfig) {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-manifests-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const at = (name: string) => join(dir, name);
  writeFileSync(at("manifests.yaml"), text);
  writeFileSync(at(".base"), base);
  return { dir, file: at(".base"), write: (next: string) => writeFileSync(at("manifests.yaml"), next) };
}

/** A gateway over these manifests; it ends with the test. \`backends\`: by NAME.NAMESPACE. */
export async function startManifestsScene(
  text: string,
  backends: Readonly<Record<string, string>> = {},
  base?: string,
): Promise<ManifestsScene> {
  const { dir, file, write } = manifestFolder(text, base);
  const source = createFolderSource({
    path: dir,
    file,
    backends: new Map(Object.entries(backends).map(([name, url]) => [name, [url]])),
  });
  const build = () => {
    const built = source.build();
    if (built.read.config === undefined) throw built.read.error;
    return { built, config: built.read.config };
  };
  const { built, config } = build();
  const gateway = await startGateway(config);
  onTestFinished(() => gateway.drain());
  const { port } = gateway.addresses.data;
  return {
    gateway,
    built,
    port,
    dir,
    ask: (path, options) => ask(port, path, options),
    async reload(next) {
      write(next);
      await gateway.reload(build().config);
    },
  };
}
