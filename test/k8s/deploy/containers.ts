import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../free-port.ts";
import { assembleImage, assemblePackages, type Image, openTree } from "./image.ts";
import type { Workload } from "./pods.ts";

/* A distroless image runs as this account. Whoever is not root cannot become it, and runs the folder as itself. */
const NONROOT = 65_532;
const account = process.getuid?.() === 0 ? { uid: NONROOT, gid: NONROOT } : {};

export interface Container {
  readonly ended: Promise<number | null>;
  output(): string;
  signal(name: NodeJS.Signals): void;
}

/** Images and the processes that run from them, without a container runtime: read-only folders, another account, a bare environment. */
export interface Host {
  /** An empty folder that goes with the host. */
  folder(name: string): string;
  image(name: string, stage: string, args?: Readonly<Record<string, string>>): Image;
  run(image: Image, args: readonly string[], env?: Readonly<Record<string, string>>): Container;
  /** Starts a sample as its Deployment says, but for the address; resolves with its port once it listens. */
  sample(workload: Workload, env?: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

/** What of the sources a sample's image is made of: the folder its script is in, for agents all of them. */
export const sampleOf = (script: string): string =>
  script.startsWith("agents/") ? "agents" : script.replace(/\/server\.ts$/, "");

export function startHost(): Host {
  const top = mkdtempSync(join(tmpdir(), "sallyport-host-"));
  chmodSync(top, 0o755);
  const packages = assemblePackages(join(top, "node_modules"));
  const running: { readonly child: ChildProcess; readonly ended: Promise<number | null> }[] = [];
  const host: Host = {
    folder: (name) => join(top, name),
    image: (name, stage, args) => assembleImage(join(top, "images", name), stage, packages, args),
    run(image, args, env = {}) {
      const child = spawn(image.node, [...args], {
        ...account,
        cwd: image.app,
        env: { ...image.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const ended = new Promise<number | null>((done, fail) => child.once("exit", done).once("error", fail));
      running.push({ child, ended });
      return { ended, output: () => output, signal: (name) => void child.kill(name) };
    },
    async sample(workload, env) {
      const [script = "", ...given] = workload.pod.containers[0]?.args ?? [];
      const port = await freePort();
      const args = given.map(
        (arg, index) => ({ "--host": "127.0.0.1", "--port": `${port}` })[given[index - 1] ?? ""] ?? arg,
      );
      const image = host.image(workload.name, "sample", { SAMPLE: sampleOf(script) });
      const { output, ended } = host.run(image, [script, ...args], env);
      const gone = ended.then((code) => {
        throw new Error(`${workload.name} ended with ${code}:\n${output()}`);
      });
      gone.catch(() => {});
      while (!output().includes(`127.0.0.1:${port}`)) await Promise.race([delay(50), gone]);
      return port;
    },
    async stop() {
      for (const { child } of running) child.kill("SIGKILL");
      await Promise.allSettled(running.map(({ ended }) => ended));
      openTree(top);
      rmSync(top, { recursive: true });
    },
  };
  return host;
}
