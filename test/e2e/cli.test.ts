import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
const config = join(dir, "sallyport.yaml");
let gateway: ServeProcess;

beforeAll(async () => {
  const port = await freePorts();
  gateway = await startServeProcess(
    dir,
    port,
    `
publicUrl: http://127.0.0.1:${port}
listen: ${listenOn(port)}
auth: {embedded: true}
models: {small: {provider: vllm, url: "http://127.0.0.1:9", key: "\${env:GATEWAYS_OWN_KEY}"}}
policies: open
state: ./state.db
`,
    // Of the gateway alone: whoever administers it has no such variable.
    { GATEWAYS_OWN_KEY: "a-key-of-more-than-24-letters" },
  );
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line as `main.ts` runs it, without the second it takes to start a process. */
async function sallyport(...args: readonly string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(commands, "0", args, {
    out: (line) => void out.push(`${line}\n`),
    err: (line) => void err.push(`${line}\n`),
  });
  return { code, out: out.join(""), err: err.join("") };
}

const models = (credential: string) =>
  fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${credential}` } });

test("keys are issued, work, are listed without their secret, and are refused once revoked", async () => {
  const issued = await sallyport(
    "keys",
    "issue",
    "-c",
    config,
    "--name",
    "ci",
    "--group",
    "builders",
    "--expires",
    "1h",
  );
  expect(issued.code).toBe(0);
  const key = issued.out.trim();
  expect(key).toMatch(/^sp_[\w-]+$/);
  const id = /id (key_\w+)/.exec(issued.err)?.[1] ?? "";
  expect((await models(key)).status).toBe(200);

  const listed = await sallyport("keys", "list", "-c", config);
  expect(listed.out).toMatch(new RegExp(`^${id}  ci  tenant -  groups builders  scopes -  until 20`));
  expect(listed.out).not.toContain(key);

  expect((await sallyport("keys", "revoke", id, "-c", config)).code).toBe(0);
  expect((await models(key)).status).toBe(401);
  const none = await sallyport("keys", "list", "-c", config);
  expect([none.out, none.err]).toEqual(["", expect.stringContaining("No keys were issued")]);
  expect(await sallyport("keys", "revoke", id, "-c", config)).toMatchObject({
    code: 1,
    err: expect.stringContaining("No API key has this id.") as string,
  });
}, 30_000);

test("the journal is safe to read: a name that callers made up moves no cursor and makes no line of its own", async () => {
  const issued = await sallyport("keys", "issue", "-c", config, "--name", "joker");
  const model = "a\u001b[2J\u009b2J\nforged \u202egnp.exe";
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${issued.out.trim()}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "?" }] }),
  });
  const id = String(response.headers.get("x-request-id"));
  const shown = ["--request", "--chain"].flatMap((option) => [
    ["journal", "-c", config, option, id],
    ["journal", "-c", config, option, id, "--json"],
  ]);
  for (const args of shown)
    await eventually(async () => {
      const { out } = await sallyport(...args);
      expect(out).toContain("a\\u001b[2J\\u009b2J\\");
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]|^forged/m);
      if (args.includes("--json")) expect(JSON.parse(out)).toMatchObject({ target: { name: model } });
    });
});

test("clients are created, get tokens, are listed, and are refused with their tokens once deleted", async () => {
  const created = await sallyport(
    "clients",
    "create",
    "-c",
    config,
    "--label",
    "Build agent",
    "--id",
    "builder",
    "--group",
    "ci",
  );
  expect(created.code).toBe(0);
  const secret = /secret (\S+)/.exec(created.out)?.[1] ?? "";
  expect(created.err).toBe(
    `a token: curl -u builder:SECRET -d grant_type=client_credentials ${gateway.url}/oauth/token\n`,
  );
  const token = await gateway.token("builder", secret);
  expect((await models(token)).status).toBe(200);

  const listed = await sallyport("clients", "list", "-c", config);
  expect(listed.out).toBe("builder  Build agent  created  client_credentials  tenant -  groups ci  scopes all\n");
  expect(await sallyport("clients", "create", "-c", config, "--label", "Other", "--id", "builder")).toMatchObject({
    code: 1,
    err: expect.stringContaining("This id is taken.") as string,
  });

  expect((await sallyport("clients", "delete", "builder", "-c", config)).code).toBe(0);
  expect((await models(token)).status).toBe(401);
  await expect(gateway.token("builder", secret)).rejects.toThrow("invalid_client");
  expect((await sallyport("clients", "delete", "builder", "-c", config)).code).toBe(1);
}, 30_000);

test("a new signing key signs from now on and leaves earlier tokens valid; a new passcode is shown", async () => {
  const { out } = await sallyport("clients", "create", "-c", config, "--label", "Signer", "--id", "signer");
  const secret = /secret (\S+)/.exec(out)?.[1] ?? "";
  const kidOf = (token: string) =>
    (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { kid: string }).kid;
  const before = await gateway.token("signer", secret);
  expect((await sallyport("auth", "signing-key", "-c", config)).code).toBe(0);
  const after = await gateway.token("signer", secret);
  expect(kidOf(after)).not.toBe(kidOf(before));
  for (const token of [before, after]) expect((await models(token)).status).toBe(200);
  const { keys } = (await (await fetch(`${gateway.url}/oauth/jwks`)).json()) as { keys: { kid: string }[] };
  expect(keys.map(({ kid }) => kid)).toEqual([kidOf(after), kidOf(before)]);

  const passcode = await sallyport("auth", "passcode", "-c", config);
  expect(passcode.out).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}\n/);
}, 30_000);

test("what the admin API refuses is said with what to do, and nothing is answered without the operator's token", async () => {
  expect(await sallyport("clients", "create", "-c", config)).toMatchObject({
    code: 2,
    err: expect.stringContaining("clients create needs --label") as string,
  });
  const bad = await sallyport("clients", "create", "-c", config, "--label", "X", "--grant", "password");
  expect(bad.code).toBe(1);
  expect(bad.err).toContain("client_credentials");
  const token = readFileSync(join(dir, "admin-token"), "utf8");
  writeFileSync(join(dir, "admin-token"), "x".repeat(43));
  try {
    expect(await sallyport("keys", "list", "-c", config)).toMatchObject({
      code: 1,
      err: expect.stringContaining("operator's token") as string,
    });
  } finally {
    writeFileSync(join(dir, "admin-token"), token);
  }
  const answer = await gateway.admin("/api/clients");
  expect(answer.headers.get("cache-control")).toBe("no-store");
}, 30_000);

test("a gateway that does not run is named, with where it was looked for", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
  const file = join(elsewhere, "s.yaml");
  writeFileSync(file, "listen: {console: {port: 1}}\npolicies: open\nstate: ./state.db\n");
  expect((await sallyport("keys", "list", "-c", file)).err).toContain("cannot read the admin token");
  writeFileSync(join(elsewhere, "admin-token"), "x".repeat(43));
  const nobody = (await sallyport("keys", "list", "-c", file)).err;
  expect(nobody).toContain("no gateway answers at http://127.0.0.1:1");
  expect(nobody).toContain(`the gateway of ${file}`);
  rmSync(elsewhere, { recursive: true, force: true });
});

test("in the folder of its sallyport.yaml a gateway need not be named", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(checkout, "src/main.ts"), "journal", "--limit", "1"],
    { cwd: dir },
  );
  expect(stdout).toMatch(/ {2}ok {2}llm models/);
});

test("spend says who spent what, and what cannot be asked", async () => {
  const { out, code } = await sallyport("spend", "--by", "principal", "--window", "month", "-c", config);
  expect(code).toBe(0);
  expect(out).toMatch(/^month from .*\n +cost +by the end .* principal\n[^]*in all/);
  const refused = await sallyport("spend", "--by", "chain", "--window", "month", "-c", config);
  expect(refused.err).toContain("by day");
  expect(refused.code).toBe(1);
});

test("check says what the quickstart means, and every problem of a broken file", async () => {
  const names = ["CLOCK", "NOTES", "RESEARCHER", "WRITER", "MODEL", "VLLM_0", "VLLM_1", "VLLM_2"].map(
    (name) => `SAMPLE_${name}_URL`,
  );
  const env = Object.fromEntries(names.map((name, index) => [name, `http://127.0.0.1:${index + 1}/`]));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(checkout, "src/main.ts"), "check", join(checkout, "sallyport.quickstart.yaml")],
    { env: { ...process.env, ...env } },
  );
  expect(stdout).toMatch(/MCP +\/mcp offers everything of files, clock, notes/);
  expect(stdout).toMatch(/researcher/);

  const file = join(dir, "broken.yaml");
  writeFileSync(file, "policies: open\nlisten: {prot: 1}\nmcp: {servers: {}, routes: {/mcp: {servers: [nobody]}}}\n");
  const broken = await sallyport("check", file);
  expect(broken.code).toBe(1);
  expect(broken.err).toContain('did you mean "port"');
  expect(broken.err).toContain("nobody");
  writeFileSync(file, "policies: [open\n");
  expect(await sallyport("check", file)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/broken\.yaml/) as string,
  });
  expect(await sallyport("check", join(dir, "missing.yaml"))).toMatchObject({
    code: 1,
    err: expect.stringContaining("missing.yaml") as string,
  });
});
