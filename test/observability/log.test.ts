import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { LogConfig } from "../../src/observability/config.ts";
import { createLog, type RootLog } from "../../src/observability/log.ts";

/** A secret nobody has seen before; it must never be found in what was written. */
const canary = () => `canary${randomBytes(12).toString("hex")}`;
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (subject: string) =>
  `${base64url({ alg: "ES256", kid: "k" })}.${base64url({ sub: subject })}.${randomBytes(64).toString("base64url")}`;

describe("log", () => {
  let folder: string;
  let file: string;
  const open: RootLog[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sallyport-log-"));
    file = join(folder, "log");
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((log) => log.close()));
    rmSync(folder, { recursive: true });
  });

  function start(config: Partial<LogConfig> = {}): RootLog {
    const log = createLog({ level: "info", format: "json", ...config }, { destination: file });
    open.push(log);
    return log;
  }
  async function written(log: RootLog): Promise<string> {
    await log.close();
    return readFileSync(file, "utf8");
  }
  const parsed = async (log: RootLog) =>
    (await written(log))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test("an entry is one JSON line with time, level, message and fields", async () => {
    const log = start();
    log.info({ route: "/mcp", n: 3, nested: { list: [1, "two", null, true] } }, "served");
    log.child({ exchange: "e-1" }).warn({}, "slow\nsecond line");
    expect(await parsed(log)).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        message: "served",
        route: "/mcp",
        n: 3,
        nested: { list: [1, "two", null, true] },
      },
      { level: "warn", time: expect.any(String), message: "slow\nsecond line", exchange: "e-1" },
    ]);
  });

  test("entries below the level are not written, and their fields are not even read", async () => {
    const log = start({ level: "warn" });
    let read = false;
    log.info(
      {
        get field() {
          read = true;
          return 1;
        },
      },
      "quiet",
    );
    log.error({}, "loud");
    expect((await parsed(log)).map((entry) => entry["message"])).toEqual(["loud"]);
    expect(read).toBe(false);
  });

  test.for([
    "authorization",
    "Authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "X_API_KEY",
    "apiKey",
    "api_key",
    "token",
    "access_token",
    "accessToken",
    "refresh_token",
    "id_token",
    "subject_token",
    "actor_token",
    "secret",
    "client_secret",
    "clientSecret",
    "password",
    "code",
    "code_verifier",
    "assertion",
    "client_assertion",
    "private_key",
    "credentials",
    "mcp-session-id",
  ])("a field named %s is redacted at any depth, in children too", async (name) => {
    const log = start();
    const secret = canary();
    log.info({ [name]: secret }, "top");
    log.info({ request: { headers: [{ deep: { [name]: secret } }] } }, "deep");
    log.info({ [name]: { inner: [secret] } }, "an object under the name");
    log.info({ headers: new Map([[name, secret]]) }, "in a map");
    log.child({ [name]: secret }).info({}, "child");
    const text = await written(log);
    expect(text).not.toContain(secret);
    expect(text.match(/\[redacted\]/g)).toHaveLength(5);
  });

  test.for([
    ["a bearer header", (secret: string) => `authorization: Bearer ${secret}`],
    ["a bearer in the middle of a text", (secret: string) => `upstream said "bad Bearer ${secret}" twice`],
    ["basic credentials", (secret: string) => `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`],
    ["a JWT", (secret: string) => `token ${jwt(secret)} is expired`],
    ["an unsigned JWT", (secret: string) => `${base64url({ alg: "none" })}.${base64url({ sub: secret })}.`],
    ["one of our keys", (secret: string) => `key sp_${secret} was revoked`],
    ["a provider's key", (secret: string) => `Incorrect API key provided: sk-proj-${secret}.`],
    ["a query parameter", (secret: string) => `GET /callback?state=1&code=${secret}&iss=x`],
    ["an access token in a query", (secret: string) => `https://x.example/?access_token=${secret}#frag`],
    ["a form body", (secret: string) => `grant_type=refresh_token&refresh_token=${secret}&client_secret=${secret}`],
    ["a JSON body", (secret: string) => `{"grant":"x","client_secret":"${secret}","password": "${secret}"}`],
    ["credentials in an address", (secret: string) => `redis://default:${secret}@redis:6379/0 refused`],
    ["a private key", (secret: string) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`],
    ["a header line", (secret: string) => `x-api-key: ${secret}`],
  ] as const)("%s is masked wherever it stands: message, field, error, stack and cause", async ([, shape]) => {
    const log = start();
    const secret = canary();
    const text = shape(secret);
    log.warn({}, text);
    log.warn({ note: text, list: [{ text }] }, "field");
    log.error(
      {
        error: new GatewayError("upstream_unavailable", "no luck", {
          cause: new Error(text, { cause: { detail: text } }),
        }),
      },
      "error",
    );
    log.error({ error: new AggregateError([new Error(text)], text) }, "aggregate");
    log.child({ note: text }).info({}, "child");
    const output = await written(log);
    expect(output).not.toContain(secret);
    expect(output).not.toContain(Buffer.from(`user:${secret}`).toString("base64"));
    expect(output).not.toContain(base64url({ sub: secret }));
    expect(output).toContain("[redacted]");
  });

  test.for([
    "The token has expired.",
    "input_tokens=42 maxTokens: 100",
    'Bearer realm="x", error="invalid_token"',
    "tools/call read_file took 12 ms",
    "https://gateway.example.com/mcp?page=2",
    "0af7651916cd43dd8448eb211c80319c",
    "code: ECONNREFUSED".slice(6),
  ])("what is no secret stays readable: %s", async (text) => {
    const log = start();
    log.info({ text, inputTokens: 42, status: 200, code: "ECONNREFUSED" }, text);
    expect(await parsed(log)).toMatchObject([
      { message: text, text, inputTokens: 42, status: 200, code: "ECONNREFUSED" },
    ]);
  });

  test("an error keeps its type, kind, code, stack and causes, and nothing a library hung on it", async () => {
    const log = start();
    const secret = canary();
    const cause = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:443"), {
      code: "ECONNREFUSED",
      syscall: "connect",
      request: { headers: { authorization: secret } },
    });
    log.error(
      { error: new GatewayError("upstream_unavailable", "The tool server cannot be reached.", { cause }) },
      "failed",
    );
    const [entry] = await parsed(log);
    expect(entry?.["error"]).toMatchObject({
      type: "GatewayError",
      kind: "upstream_unavailable",
      message: "The tool server cannot be reached.",
      stack: expect.stringContaining("log.test.ts"),
      cause: { type: "Error", code: "ECONNREFUSED", syscall: "connect", message: "connect ECONNREFUSED 10.0.0.1:443" },
    });
    expect(JSON.stringify(entry)).not.toContain(secret);
  });

  test("cycles, depth, breadth, length and hostile values cost a bounded line and never an exception", async () => {
    const log = start();
    const cycle: Record<string, unknown> = { name: "cycle" };
    cycle["self"] = cycle;
    let chain: Error = new Error("last");
    for (let n = 0; n < 1_000; n += 1) chain = new Error(`cause ${n}`, { cause: chain });
    const own = new Error("own cause");
    own.cause = own;
    log.info({ cycle, chain, own }, "cycles");
    log.info(
      {
        wide: Array.from({ length: 100_000 }, () => "x"),
        keys: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`k${n}`, n])),
      },
      "wide",
    );
    log.info({ long: "y".repeat(10_000_000), bytes: Buffer.alloc(1_000_000) }, "z".repeat(10_000_000));
    log.info(
      {
        big: 2n ** 70n,
        symbol: Symbol("s"),
        fn: () => 1,
        date: new Date(Number.NaN),
        url: new URL("https://u:p4ssw0rd@h.example/"),
        proto: JSON.parse('{"__proto__":{"x":1}}'),
      },
      "odd",
    );
    log.info(
      {
        get broken(): string {
          throw new Error("getter");
        },
      },
      "a getter that throws",
    );
    const lines = (await written(log)).trim().split("\n");
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line.length).toBeLessThan(60_000);
    expect(lines[3]).not.toContain("p4ssw0rd");
  });

  test.for([
    ["equal letters", "e".repeat(8_192)],
    ["starts of a JWT", "eyJ".repeat(2_700)],
    ["starts of a JWT between dashes", "-eyJ".repeat(2_000)],
    ["names without values", "token".repeat(1_600)],
    ["dashes", "-----BEGIN PRIVATE KEY-----".repeat(300)],
    ["colons", "://a:".repeat(1_600)],
    ["bearers", "bearer ".repeat(1_100)],
    ["underscores", `${"a_".repeat(4_000)}token`],
  ] as const)("masking takes a time that hardly grows with hostile text: %s", { timeout: 10_000 }, async ([, text]) => {
    const log = start();
    // Counted in lines a slow machine would still manage: a quadratic expression needs minutes for these.
    for (let n = 0; n < 200; n += 1) log.info({ text }, "hostile");
    expect(log.dropped()).toBe(0);
    expect(await written(log)).toContain("hostile");
  });

  test("pretty lines are for a terminal, and cannot steer it", async () => {
    const log = start({ format: "pretty" });
    log.info({ route: "/mcp" }, "served \u001b[2J\rfake");
    log.error({ error: new Error("broken") }, "failed");
    const text = await written(log);
    expect(text).toContain("served \\x1b[2J\\x0dfake");
    expect(text).toContain('"route":"/mcp"');
    expect(text).toContain("Error: broken");
    expect(text).not.toContain("\r");
  });
});
