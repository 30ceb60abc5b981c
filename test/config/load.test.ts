import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type LoadOptions, loadConfig, readConfig } from "../../src/config/load.ts";
import { makeFolder } from "./config-folder.ts";

/** Everything that is wrong with a configuration, as a person sees it. */
function problemsOf(yaml: string, env: LoadOptions["env"] = {}, files: Readonly<Record<string, string>> = {}): string {
  const read = readConfig(makeFolder({ ...files, "sallyport.yaml": yaml }).at("sallyport.yaml"), { env });
  return read.config === undefined ? read.error.message : "";
}

function load(yaml: string, env: LoadOptions["env"] = {}, files: Readonly<Record<string, string>> = {}) {
  return loadConfig(makeFolder({ ...files, "sallyport.yaml": yaml }).at("sallyport.yaml"), { env });
}

/* What a person writes, as far as this build goes. */
const whole = `
publicUrl: https://gateway.example.com                # issuer, metadata, cards and webhooks come from this
listen: {port: 4000, trustedProxies: [10.0.0.0/8]}
auth:
  issuers: [https://login.example.com]
  audience: https://gateway.example.com
tenant: principal.claims.team
mcp:
  servers:
    github: {url: "https://tools.example.com/mcp", credentials: {bearer: "\${env:GITHUB_TOKEN}"}}
    files:  {command: [node, tools/files/server.ts]}
  routes:
    /mcp:      {servers: [github, files]}
    /mcp/safe: {servers: [files], tools: ["read_*"]}
a2a:
  agents:
    researcher: {url: "http://researcher:9001"}
    writer:     {url: "http://writer:9002"}
models:
  gpt-4o: {provider: openai, key: "\${env:OPENAI_API_KEY}"}
  claude: {provider: openai-compatible, url: "https://api.example.com/v1", key: "\${file:secrets-anthropic}"}
policies: ./policies
state: ./data/sallyport.db
`;
const wholeEnv = { GITHUB_TOKEN: "gh-1", OPENAI_API_KEY: "sk-1" };

describe("a configuration that is right", () => {
  test("gives plain numbers, resolved secrets and its folder, frozen to the bottom", () => {
    const config = load(whole, wholeEnv, { "secrets-anthropic": "sk-ant-2\n" });
    expect(config.mcp?.servers.github).toMatchObject({ credentials: { bearer: "gh-1" }, timeouts: { call: 300_000 } });
    expect(config.models?.claude).toMatchObject({ key: "sk-ant-2" });
    expect(config.limits.body.llm).toBe(33_554_432);
    expect(config.baseDir).toMatch(/sallyport-config-/);
    expect(() => (config.listen.trustedProxies[0] = "0.0.0.0/0")).toThrow(TypeError);
    expect(() => ((config as { tenant?: string }).tenant = "x")).toThrow(TypeError);
  });

  test("may start with the line that gives editors its schema", () => {
    const text = "# yaml-language-server: $schema=./docs/sallyport.schema.json\npolicies: open\n";
    expect(load(text).policies).toBe("open");
  });

  test("takes numbers and booleans from references, where the schema wants them", () => {
    const config = load('policies: open\nlisten: {port: "${env:PORT}"}\nauth:\n  anonymous: ${env:ANYONE}\n', {
      PORT: "4100",
      ANYONE: "true",
    });
    expect(config.listen.port).toBe(4100);
    expect(config.auth?.anonymous).toBe(true);
  });

  test("keeps a key that looks like a number as text", () => {
    const config = load('policies: open\nmodels: {m: {provider: openai, key: "${env:KEY}"}}\n', { KEY: "0123456789" });
    expect(config.models?.m).toMatchObject({ key: "0123456789" });
  });

  test("what a variable holds is one value, whatever it looks like in YAML", () => {
    const value = "x'\"\n  other: {evil: true}\n- # }";
    const config = load("policies: open\nstate: {redis: 'redis://a', ca: '${env:KEY}'}\n", { KEY: value });
    expect(config.state).toMatchObject({ ca: value });
    expect(Object.keys(config)).not.toContain("other");
  });

  test("a reference is one part of a text, a doubled dollar keeps it as it is, and nothing is replaced twice", () => {
    const yaml = 'policies: open\nmodels: {m: {provider: openai, key: "a ${env:A} $${env:A} b"}}\n';
    expect(load(yaml, { A: "${env:B}", B: "no" }).models?.m).toMatchObject({ key: "a ${env:B} ${env:A} b" });
  });

  test("a file reference starts at the folder of the configuration and loses one line break at its end", () => {
    const yaml = 'policies: open\nstate: {redis: "redis://a", ca: "${file:k}"}\n';
    expect(load(yaml, {}, { k: "two\nlines\n" }).state).toMatchObject({ ca: "two\nlines" });
  });
});

describe("a configuration that is wrong", () => {
  test("lists every problem at once, each with its place, its value and what is expected", () => {
    const found = problemsOf(`policies: open
publicURL: https://gateway.example.com
listen: {port: many}
mcp:
  servers:
    github: {url: "https://tools.example.com/mcp", eera: auto}
    notes: {url: "https://notes.example.com/mcp", era: statless, timeouts: {call: 5 parsecs}}
  routes:
    /mcp: {servers: [github, note]}
models:
  m: {provider: opnai}
`);
    expect(found).toContain("6 problems");
    expect(found).toMatch(/2:1 {2}publicURL\n.*did you mean "publicUrl"\?/);
    expect(found).toMatch(/3:10 {2}listen\.port = "many"\n.*expected a number, not text/);
    expect(found).toMatch(/6:52 {2}mcp\.servers\.github\.eera\n.*did you mean "era"\?/);
    expect(found).toMatch(
      /7:51 {2}mcp\.servers\.notes\.era = "statless"\n.*one of auto, session, stateless; did you mean "stateless"/,
    );
    expect(found).toMatch(
      /7:77 {2}mcp\.servers\.notes\.timeouts\.call = "5 parsecs"\n.*such as 30s; units: ms, s, m, h, d/,
    );
    expect(found).toMatch(/11:7 {2}models\.m\.provider = "opnai"/);
  });

  test("a route that names a server nobody configured is refused", () => {
    const yaml = 'policies: open\nmcp:\n  servers: {notes: {url: "http://n"}}\n  routes: {/mcp: {servers: [note]}}\n';
    expect(problemsOf(yaml)).toMatch(/4:29 {2}mcp\.routes\["\/mcp"\]\.servers\[0\] = "note"\n.*no server "note"/);
  });

  test.for([
    ["/a2a/notes", "/a2a is where agents are served"],
    ["/v1", "/v1 is where models are served"],
    ["/.well-known/mcp", "/.well-known is where metadata"],
    ["/tools//mcp", "write /tools/mcp"],
    ["/tools/../mcp", "write /mcp"],
    ["/tööls", "write /t%C3%B6%C3%B6ls"],
  ] as const)("an MCP route at %s is refused: it could not be reached or would hide something", ([path, message]) => {
    const routes = `routes: {${JSON.stringify(path)}: {servers: [notes]}, /v2/tools: {servers: [notes]}}`;
    const found = problemsOf(`policies: open\nmcp:\n  servers: {notes: {url: "http://n"}}\n  ${routes}\n`);
    expect(found).toContain("1 problem\n");
    expect(found).toContain(message);
  });

  test("two listeners on one port are refused", () => {
    expect(problemsOf("policies: open\nlisten: {port: 4001}\n")).toMatch(
      /listen\.console\.port\n.*4001 is taken by listen\.port/,
    );
    expect(load("policies: open\nlisten: {port: 0, console: {port: 0}, health: {port: 0}}\n").listen.port).toBe(0);
  });

  test("no policies at all is refused, and says what to write", () => {
    expect(problemsOf("listen: {port: 4000}\n")).toMatch(/ {2}policies\n.*`policies: \.\/policies`.*`policies: open`/);
  });

  test("an unknown key far from every right one is answered with those that are known there", () => {
    expect(problemsOf("policies: open\nlisten: {tls: {cert: a, key: b, ciphers: c}}\n")).toMatch(
      /no such key; known here: cert, key/,
    );
  });

  test.for([
    [
      "a missing variable",
      "tenant: ${env:NOPE}",
      /2:1 {2}tenant = "\$\{env:NOPE\}"\n.*environment variable NOPE is not set/,
    ],
    ["a missing file", "tenant: ${file:nope}", /there is no file .*nope/],
    ["an unknown kind of reference", "tenant: ${vault:x}", /\$\{vault:…\} is unknown/],
    ["a reference in a key", "models: {'${env:A}': {provider: openai}}", /in values, not in keys/],
    ["a key twice", "tenant: a\ntenant: b", /3:1 {2}tenant\n.*twice/],
    [
      "a key twice, once as a number",
      "models: {1: {provider: openai, key: k}, '1': {provider: openai, key: k}}",
      /twice/,
    ],
    ["a key that no object can hold", "models: {__proto__: {provider: openai, key: k}}", /not a name/],
    ["broken YAML", "listen: {port: 1", /3:1\n.*must be sufficiently indented and end with a \}/],
    ["a tag that would build something", "tenant: !!js/function 'x'", /Unresolved tag/],
    ["two documents", "---\ntenant: b", /second YAML document/],
  ] as const)("%s is refused", ([, yaml, message]) => {
    expect(problemsOf(`policies: open\n${yaml}\n`)).toMatch(message);
  });

  test.for([
    ["nothing", "", /expected a map of settings/],
    ["a list", "- a\n", /expected a map of settings/],
    [
      "aliases that grow without end",
      `a: &a [x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n`,
      /aliases/,
    ],
    ["nesting without end", "[".repeat(200_000), /nested too deeply/],
    ["more than a file may hold", `# ${"x".repeat(1_100_000)}\n`, /larger than 1 MiB/],
  ] as const)("a file with %s is refused", ([, yaml, message]) => {
    expect(problemsOf(yaml)).toMatch(message);
  });

  test("a client that no tenant can be found for is refused, unless it acts for users alone", () => {
    const clients = (fields: string) =>
      `policies: open\nauth:\n  embedded:\n    clients:\n      ci: {${fields}}\ntenant: principal.claims.team\n`;
    const secret = "secret: abcdefghijklmnopqrstuvwx";
    expect(problemsOf(clients(secret))).toMatch(
      / 5:\d+ {2}auth\.embedded\.clients\.ci\n.*none for this client, .*: add `tenant: NAME` here/,
    );
    expect(problemsOf(clients(`${secret}, tenant: blue`))).toBe("");
    expect(problemsOf(clients("grants: [authorization_code], redirectUris: [https://a.example/cb]"))).toBe("");
  });

  test("a key that no tenant can be found for is refused, since nothing would ever be allowed to it", () => {
    const keys = (tenant: string, rest = "") =>
      `policies: open\nauth:\n  keys:\n    ci: {secret: abcdefghijklmnopqrstuvwx${rest}}\n${tenant}\n`;
    expect(problemsOf(keys("tenant: principal.claims.team"))).toMatch(
      / 4:\d+ {2}auth\.keys\.ci\n.*every call with it would be refused: add `tenant: NAME` here/,
    );
    expect(problemsOf(keys("tenant: '\"\"'"))).toContain("auth.keys.ci");
    for (const right of [
      keys("tenant: principal.claims.team", ", tenant: blue"),
      keys("tenant: principal.claims.name"),
      keys(""),
    ])
      expect(Object.keys(load(right).auth?.keys ?? {})).toEqual(["ci"]);
  });

  test("a file that is not there is refused", () => {
    expect(() => loadConfig(makeFolder().at("none.yaml"))).toThrow("there is no such file");
  });
});

describe("a secret", () => {
  test("is an address of Redis, and not the word for what needs none, nor the name of a file", () => {
    const shownAs = (state: string) => {
      const folder = makeFolder({ "s.yaml": `policies: open\nstate: ${state}\n` });
      return readConfig(folder.at("s.yaml")).redact(`state ${state}`);
    };
    expect(shownAs("memory")).toBe("state memory");
    expect(shownAs("./data/x.db")).toBe("state ./data/x.db");
    expect(shownAs("redis://:hush@redis:6379")).toBe("state [secret]");
    expect(shownAs("rediss:/user:hush@redis")).toBe("state [secret]");
    expect(shownAs("{redis: redis://u:hush@r, prefix: 'blue:'}")).toBe("state {redis: [secret], prefix: 'blue:'}");
  });

  test("is one line of what a header can hold, and no credential is a header of the connection", () => {
    const problems = problemsOf(`policies: open
a2a: {agents: {w: {url: "http://w:1", credentials: {headers: {content-length: "3"}}}, v: {url: "http://v:1", credentials: {bearer: "hush\\nhush"}}}}
mcp:
  servers: {x: {url: "http://x:1/mcp", credentials: {bearer: "hush\\nhush", headers: {Host: x, transfer-encoding: x, x-key: "a\\r\\nb"}}}}
  routes: {/mcp: {servers: [x]}}
pools: {p: {engine: vllm, endpoints: ["http://p:1"], key: "hush\\nhush"}}
`);
    for (const place of ["a2a.agents.v.credentials.bearer", "mcp.servers.x.credentials.bearer", "pools.p.key"])
      expect(problems).toContain(`${place} = [secret]\n      expected one line of visible characters`);
    expect(problems).toMatch(/mcp\.servers\.x\.credentials\.headers\.x-key = \[secret\]\n {6}expected one line/);
    for (const place of ["a2a.agents.w", "mcp.servers.x"])
      expect(problems).toMatch(
        new RegExp(
          `${place.replaceAll(".", "\\.")}\\.credentials\\.headers\\.\\S+ = \\[secret\\]\n +this key is not a header that the gateway`,
        ),
      );
    expect(problems).not.toContain("hush");
  });

  test.for([
    ["from a variable", 'models: {m: {provider: openai, key: "${env:KEY}", url: "not ${env:KEY}"}}'],
    ["from a file", 'models: {m: {provider: openai, key: "${file:key}", url: "not ${file:key}"}}'],
    [
      "written down",
      "models: {m: {provider: openai, key: {x: hush-hush-1234}}}\nauth: {keys: {ci: {secret: hush-hush-1234}}}",
    ],
    ["under a misspelt name", "models: {m: {provider: openai, kye: hush-hush-1234}}"],
    ["in a place of its own that is misspelt", "modles: {m: {provider: openai, key: hush-hush-1234}}"],
    [
      "repeated by a message",
      'tenant: x\nmcp: {servers: {a: {url: "http://a"}}, routes: {/mcp: {servers: ["${env:KEY}"]}}}',
    ],
  ])("%s is never printed", ([, yaml]) => {
    const found = problemsOf(`policies: open\n${yaml}\n`, { KEY: "hush-hush-1234" }, { key: "hush-hush-1234\n" });
    expect(found).toContain("problem");
    expect(found).not.toContain("hush-hush");
  });

  test("is blanked out of texts, also inside JSON and addresses", () => {
    const folder = makeFolder({ "s.yaml": 'policies: open\nmodels: {m: {provider: openai, key: "${env:T}"}}\n' });
    const { redact } = readConfig(folder.at("s.yaml"), { env: { T: 'pass"wörd' } });
    expect(redact(`a pass"wörd b ${JSON.stringify('pass"wörd')} c http://u:${encodeURIComponent('pass"wörd')}@h`)).toBe(
      'a [secret] b "[secret]" c http://u:[secret]@h',
    );
  });

  test("in a file that grew too large is not read", () => {
    const folder = makeFolder({ "s.yaml": "policies: open\ntenant: ${file:big}\n" });
    writeFileSync(folder.at("big"), "x".repeat(1_048_577));
    expect(() => loadConfig(folder.at("s.yaml"))).toThrow("larger than 1 MiB");
  });
});
