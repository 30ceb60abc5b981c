import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { folderOf, type Import, importsOf, readSources } from "./imports.ts";

const contracts = ["core", "http", "cel", "state", "observability"];
const protocols = ["mcp", "a2a", "inference", "services"];
const domains = [...contracts.slice(1), "auth", "authz", "guardrails", "budgets", ...protocols];
const everything = [...contracts, ...domains, "config", "k8s", "console", "gateway"];
const configs = [...domains, "gateway", "k8s"].map((name) => `${name}/config.ts`);
const faces = domains.map((name) => `${name}/${name}.ts`);

/* The table of docs/architecture.md. An entry is a folder or one file of it. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ["core"],
  cel: ["core"],
  state: ["core"],
  observability: ["core", "state/store.ts"],
  auth: ["core", "http", "state", "cel"],
  authz: ["core", "cel"],
  guardrails: ["core", "http", "state", "cel"],
  budgets: ["core", "http", "state", "cel"],
  ...Object.fromEntries(protocols.map((name) => [name, everything.slice(0, everything.indexOf("mcp"))])),
  config: ["core", ...configs],
  k8s: ["core", "http", "cel", "config", "observability", ...faces],
  console: ["core", "http", "config", "observability", ...faces],
  gateway: everything,
  cli: [...everything, "cli"],
  "main.ts": [...everything, "cli"],
};

/* A library that reaches outside is used in one place, where its limits and its secrets are looked after. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  undici: ["http"],
  ioredis: ["state"],
  "node:sqlite": ["state"],
  jose: ["auth", "a2a"],
  "oidc-provider": ["auth"],
  "@marcbachmann/cel-js": ["cel"],
  recheck: ["cel", "guardrails"],
  chromadb: ["inference"],
  "@zilliz/milvus2-sdk-node": ["inference"],
  pino: ["observability"],
  "prom-client": ["observability"],
  express: ["auth", "gateway", "console"],
  "node:http": ["http", "gateway", "auth", "console"],
  "node:https": ["http", "gateway"],
  "node:net": ["http", "auth", "cli"],
  "node:tls": ["http", "gateway"],
};

function isForbidden({ file, target, isPackage }: Import): boolean {
  const from = folderOf(file);
  if (isPackage) return packageHomes[target] !== undefined && !packageHomes[target].includes(from);
  if (folderOf(target) === from) return false;
  const allowed = mayImport[from] ?? [];
  return !allowed.includes(folderOf(target)) && !allowed.includes(target);
}

const sentence = ({ file, target }: Import) => `${file} imports ${target}`;
const sources = readSources();
/* What runs in a browser: a page asks the gateway that served it, and nobody else (its content security policy sees to that). */
const isPage = (file: string) => file.startsWith("console/app/");

describe("the house", () => {
  test("every folder of src has a line in the table of imports", () => {
    expect([...new Set(sources.map(({ file }) => folderOf(file)))].filter((folder) => !(folder in mayImport))).toEqual(
      [],
    );
  });

  test("every folder in the table is described in docs/architecture.md", () => {
    const page = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");
    expect(Object.keys(mayImport).filter((folder) => !page.includes(`\`${folder}\``))).toEqual([]);
  });

  test("nothing imports what the table does not allow", () => {
    const imports = sources.flatMap(({ file, text }) => importsOf(file, text));
    expect(imports.length).toBeGreaterThan(sources.length);
    expect(imports.filter(isForbidden).map(sentence)).toEqual([]);
  });

  test("the console's pages run nothing of the gateway: they import its types, one another and preact", () => {
    const pages = sources.filter(({ file }) => isPage(file));
    const imports = pages.flatMap(({ file, text }) =>
      importsOf(file, text.replaceAll(/^(?:import|export) type [^;]*;$/gm, "")),
    );
    expect(imports.length).toBeGreaterThan(pages.length);
    expect(
      imports
        .filter(({ target, isPackage }) => (isPackage ? !/^preact(?:\/hooks)?$/.test(target) : !isPage(target)))
        .map(sentence),
    ).toEqual([]);
  });

  /* A command calls the gateway it administers or shows, as any client would; the gateway itself never calls out so. */
  const clients = new Set(["http", "cli"]);

  test("only http/ opens connections: nobody else in the gateway calls the global fetch", () => {
    const callers = sources.filter(
      ({ file, text }) =>
        !clients.has(folderOf(file)) &&
        !isPage(file) &&
        /(?<![.\w"'`])(?:globalThis\.)?fetch\(/.test(text.replaceAll(/^\s*(?:\/\/|\*|\/\*).*$/gm, "")),
    );
    expect(callers.map(({ file }) => file)).toEqual([]);
  });

  test.for([
    ["mcp/relay.ts", 'import { x } from "../a2a/relay.ts";'],
    ["core/exchange.ts", 'import type { Log } from "../observability/log.ts";'],
    ["config/schema.ts", 'import {\n  z,\n} from "../mcp/mcp.ts";'],
    ["a2a/card.ts", 'export { y } from "../gateway/steps.ts";'],
    ["inference/late.ts", 'const late = await import("../mcp/mcp.ts");'],
    ["mcp/client.ts", 'import { request } from "undici";'],
    ["console/page.ts", 'import { ledger } from "../budgets/ledger.ts";'],
    ["http/edge.ts", 'import { run } from "../../tools/files/server.ts";'],
  ])("a planted import is caught: %s: %s", ([file = "", text = ""]) => {
    expect(importsOf(file, text).filter(isForbidden)).toHaveLength(1);
  });

  test.for([
    ["mcp/relay.ts", 'import { x } from "../http/upstream.ts";'],
    ["config/schema.ts", 'import { mcpConfig } from "../mcp/config.ts";'],
    ["console/page.ts", 'import { createMcp } from "../mcp/mcp.ts";'],
    ["cel/doc.ts", ' * import { x } from "../mcp/mcp.ts";'],
  ])("an import that the table allows is let through: %s: %s", ([file = "", text = ""]) => {
    expect(importsOf(file, text).filter(isForbidden)).toEqual([]);
  });
});
