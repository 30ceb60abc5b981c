import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";

const root = resolve(import.meta.dirname, "../..");
const readme = readFileSync(`${root}/README.md`, "utf8");
const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, text = ""]) => text.trim());
const curls = blocks.filter((block) => block.includes("curl "));
let gateway: QuickstartProcess;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

/** The lines as printed, but for the port and the folder of this run. */
function here(block: string): string {
  return block.replaceAll("http://127.0.0.1:4000", gateway.url).replaceAll("data/", `${gateway.dataDir}/`);
}

test("the three curl lines of the README work as printed: a token, an allowed call, a denied call", () => {
  expect(curls).toHaveLength(3);
  const script = [curls[0], 'echo "TOKEN $TOKEN"', curls[1], "echo", curls[2]]
    .map((line) => here(line ?? ""))
    .join("\n");
  const [token, allowed, denied] = execFileSync("sh", ["-eu", "-c", script], { encoding: "utf8" }).split("\n");
  expect(token).toMatch(/^TOKEN eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(JSON.parse(allowed ?? "")).toMatchObject({
    object: "chat.completion",
    choices: [{ message: { role: "assistant" } }],
  });
  expect(JSON.parse(denied ?? "")).toMatchObject({
    result: { isError: true, content: [{ text: "Policy does not allow this request." }] },
  });
});

test("a key issued as the README says works without more: nothing but its group is asked for", async () => {
  expect(readme).toContain("npx sallyport keys issue --name notebook --group analyst");
  const issued = await gateway.admin("/api/keys", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "notebook", groups: ["analyst"] }),
  });
  const { key } = (await issued.json()) as { key: string };
  const models = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect([models.status, await models.json()]).toMatchObject([
    200,
    { data: [{ id: "small" }, { id: "slow" }, { id: "claude" }, { id: "llama" }, { id: "smart" }] },
  ]);
});

test("every npm command of the README and CONTRIBUTING is a script, and every sallyport command exists", () => {
  const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: Record<string, string> };
  const pages = [readme, readFileSync(`${root}/CONTRIBUTING.md`, "utf8")].join("\n");
  const used = [
    ...pages.matchAll(
      /npm (?:run )?(start|test|demo|check|generate|format|build|conformance|bench|faults|soak|fuzz)\b/g,
    ),
  ];
  expect(used.length).toBeGreaterThan(5);
  expect(used.map(([, name = ""]) => name).filter((name) => scripts[name] === undefined)).toEqual([]);
  const help = execFileSync(process.execPath, [`${root}/src/main.ts`, "--help"], { encoding: "utf8" });
  for (const [, command = ""] of pages.matchAll(/npx sallyport ([a-z-]+)/g)) expect(help).toContain(`  ${command} `);
});

test("the configuration in the README is one that check accepts", () => {
  const yaml = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const file = `${gateway.dataDir}/readme.yaml`;
  execFileSync(
    "sh",
    [
      "-c",
      `cat > "$1" && mkdir -p "$2" && cp "$3"/*.yaml "$2"`,
      "sh",
      file,
      `${gateway.dataDir}/policies`,
      `${root}/policies`,
    ],
    { input: yaml },
  );
  const env = { ...process.env, OPENAI_API_KEY: "sk-made-for-this-test" };
  const said = execFileSync(process.execPath, [`${root}/src/main.ts`, "check", file], { encoding: "utf8", env });
  expect(said).toContain("gateway.example.com");
  expect(said).not.toContain("sk-made-for-this-test");
});
