import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { extname, join } from "node:path";

const startTimeoutMs = 30_000;
/* Compiled beside this file, or not. */
const endWithParent = new URL(`./end-with-parent${extname(import.meta.filename)}`, import.meta.url).href;

/** One sample: a program that prints a JSON line with its `url` once it listens, or with `urls` when it is several servers. */
export interface Sample {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningSamples {
  /** Name → address; NAME_0, NAME_1 and so on of one that is several servers. */
  readonly urls: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts samples as processes of their own, all at once; when one fails to start, the others are stopped again. */
export async function startSamples(samples: readonly Sample[], root: string): Promise<RunningSamples> {
  const running: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(running.map(end));
  };
  try {
    const started = await Promise.all(
      samples.map(async (sample) => {
        const child = launch(sample, root);
        running.push(child);
        const urls = await urlsOf(sample, child);
        return urls.map((url, index) => [urls.length === 1 ? sample.name : `${sample.name}_${index}`, url] as const);
      }),
    );
    return { urls: Object.fromEntries(started.flat()), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/* The runtime is this process's own: the launcher has already found one that is new enough. */
function launch({ script, args = [], env = {} }: Sample, root: string): ChildProcess {
  return spawn(process.execPath, ["--import", endWithParent, join(root, script), "--port", "0", ...args], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
}

function urlsOf(sample: Sample, child: ChildProcess): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${sample.name} did not start within ${startTimeoutMs / 1_000} s`)),
      startTimeoutMs,
    );
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${sample.name} ended with code ${code} before it listened`)));
    if (child.stdout === null) return reject(new Error(`${sample.name} has no output`));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const urls = readUrls(line);
      if (urls === undefined) return;
      clearTimeout(timer);
      resolve(urls);
    });
  });
}

function readUrls(line: string): readonly string[] | undefined {
  try {
    const { url, urls } = JSON.parse(line) as { readonly url?: unknown; readonly urls?: readonly string[] };
    if (Array.isArray(urls)) return urls;
    return typeof url === "string" ? [url] : undefined;
  } catch {
    return undefined;
  }
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill("SIGKILL"), 2_000);
    child.once("exit", () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
