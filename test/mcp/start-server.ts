import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A server in a process of its own. */
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts a server that prints its URL as a JSON line, such as those in tools/. */
export async function startServer(file: string, ...args: string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) resolve((JSON.parse(line) as { url: string }).url);
    });
    void gone.then(() => reject(new Error(`${file} ended before it was ready`)));
  });
  return {
    url,
    pid: child.pid!,
    async close() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
