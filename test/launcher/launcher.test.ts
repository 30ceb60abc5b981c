import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const launcher = join(root, "bin/run.js");
const command = join(root, "bin/sallyport.js");
const script = fileURLToPath(new URL("print-process.ts", import.meta.url));

/* Makes a runtime call itself Node 20, but not the one that the launcher then starts. */
const CALL_IT_20 = `data:text/javascript,if (!process.env.SALLYPORT_LAUNCHER) Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });`;

/** The node that a person's shell finds, whatever its version: not one that npm put first on PATH. */
function nodeOnPath(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const env = { ...process.env, PATH: folders.join(delimiter) };
  return execFileSync("node", ["-p", "process.execPath"], { env, encoding: "utf8" }).trim();
}

const runtimes: readonly (readonly [name: string, program: string, ...args: string[]])[] = [
  ["Node 24", process.execPath],
  ["a Node that is too old", process.execPath, "--import", CALL_IT_20],
  ["the machine's own Node", nodeOnPath()],
];

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; out: string; err: string }>;
  /** Resolves with what print-process.ts says of itself. */
  readonly said: Promise<{ pid: number; main: boolean; argv: string[]; version: string; cwd: string }>;
}

function start([, program, ...before]: readonly string[], args: readonly string[], cwd = root): Started {
  const child = spawn(program ?? "", [...before, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const said = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
    child.on("close", () => reject(new Error(`said nothing: ${err}`)));
  }).then((line) => JSON.parse(line) as Awaited<Started["said"]>);
  said.catch(() => {});
  const ended = new Promise<Awaited<Started["ended"]>>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, out, err })),
  );
  return { child, ended, said };
}

async function isGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.for(runtimes)("under %s", (runtime) => {
  test("a script runs under Node 24 as its own main module, with its arguments and folder", async () => {
    const started = start(
      runtime,
      [launcher, "print-process.ts", "a", "--b"],
      fileURLToPath(new URL(".", import.meta.url)),
    );
    const { version, main, argv, cwd } = await started.said;
    expect(Number.parseInt(version.slice(1), 10)).toBeGreaterThanOrEqual(24);
    expect({ main, argv }).toEqual({ main: true, argv: [script, "a", "--b"] });
    expect(cwd).toBe(join(root, "test/launcher"));
    expect((await started.ended).code).toBe(0);
  });

  test("the exit code passes through", async () => {
    expect((await start(runtime, [launcher, script, "exit", "42"]).ended).code).toBe(42);
  });

  test("a death by signal is told", async () => {
    const { code, signal } = await start(runtime, [launcher, script, "die", "SIGKILL"]).ended;
    expect(signal ?? code).toBe(signal === null ? 137 : "SIGKILL");
  });

  test("SIGTERM reaches the script, which ends as it likes", async () => {
    const started = start(runtime, [launcher, script, "wait"]);
    await started.said;
    started.child.kill("SIGTERM");
    expect(await started.ended).toMatchObject({ code: 7, out: expect.stringContaining("asked to stop") as string });
  });

  test("a launcher that is killed outright leaves nothing behind", async () => {
    const started = start(runtime, [launcher, script, "wait"]);
    const { pid } = await started.said;
    started.child.kill("SIGKILL");
    await isGone(pid);
    expect((await started.ended).signal).toBe("SIGKILL");
  });

  test("the command works through a link, from another folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-launcher-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    symlinkSync(command, join(folder, "sallyport"));
    const { code, out } = await start(runtime, [join(folder, "sallyport"), "--version"], folder).ended;
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });

  test("a wrong command ends with code 2 and the nearest right name", async () => {
    const { code, err } = await start(runtime, [command, "chekc"]).ended;
    expect(err).toContain('Did you mean "check"?');
    expect(code).toBe(2);
  });
});

describe("without a runtime that is new enough", () => {
  test("the launcher says what to do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-launcher-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(launcher, join(folder, "run.mjs"));
    const { code, err } = await start(runtimes[1] ?? [], [join(folder, "run.mjs"), script]).ended;
    expect(err).toMatch(
      /^sallyport: needs Node 24 or newer, and this is Node 20\.20\.2\. (?:Run "npm ci"|Install Node 24)/,
    );
    expect(code).toBe(1);
  });

  test("the command runs the compiled files where the sources are not there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-launcher-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(root, "bin"), join(folder, "bin"), { recursive: true });
    mkdirSync(join(folder, "dist/src"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "dist/src/main.js"), 'console.log("compiled", ...process.argv.slice(2));');
    expect((await start(["", process.execPath], [join(folder, "bin/sallyport.js"), "x"]).ended).out).toBe(
      "compiled x\n",
    );
  });
});
