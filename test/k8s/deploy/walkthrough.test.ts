import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { freePorts } from "../../../src/cli/quickstart-process.ts";
import { eventually } from "../../e2e/eventually.ts";
import { type RedisServer, startRedis } from "../../state/redis-server.ts";
import { type Container, type Host, startHost } from "./containers.ts";
import { secretKeys } from "./demands.ts";
import { find, k8s, readKustomization, readKustomized, readManifests } from "./manifests.ts";
import { shellBlocks } from "./page.ts";
import { makeSecrets, mountFiles } from "./mounts.ts";
import { workloadOf, workloadsOf } from "./pods.ts";

/* The laptop's cluster without a cluster: every process runs from the files of its image with the arguments of its Deployment, and the
   gateway reads the ConfigMaps and the Secret of the overlay. What differs is where things are: addresses and ports of this machine. */

const base = readKustomized(join(k8s, "base"));
const laptop = join(k8s, "overlays/laptop");
const secrets = makeSecrets(secretKeys(base));
/* Not an address of this machine: callers in the cluster use the Service's, the laptop a forwarded port. */
const PUBLIC_HOST = "gateway.invalid";

let host: Host;
let redis: RedisServer;
let gateway: Container;
let url: string;
let healthUrl: string;
let adminUrl: string;

/** The literals of the base's ConfigMap with those of the overlay over them, as kustomize merges them. */
function laptopEnv(): Record<string, string> {
  const literals = (folder: string) =>
    readKustomization(folder).configMapGenerator?.find(({ name }) => name === "sallyport-env")?.literals ?? [];
  return Object.fromEntries(
    [...literals(join(k8s, "base/gateway")), ...literals(laptop)].map((literal) => {
      const sign = literal.indexOf("=");
      return [literal.slice(0, sign), literal.slice(sign + 1)] as const;
    }),
  );
}

/** redis-server as the StatefulSet starts it, but for the folder. */
function redisArgs(): readonly string[] {
  const args = workloadOf(find(base, "StatefulSet", "redis")).pod.containers[0]?.args ?? [];
  return args
    .filter((_, index) => args[index] !== "--dir" && args[index - 1] !== "--dir")
    .map((arg) => arg.replace("$(REDIS_PASSWORD)", secrets["redis-password"] ?? ""));
}

beforeAll(async () => {
  const port = await freePorts();
  [url, adminUrl, healthUrl] = [0, 1, 2].map((step) => `http://127.0.0.1:${port + step}`) as [string, string, string];
  redis = await startRedis(...redisArgs());
  host = startHost();
  const researcherEnv = {
    SALLYPORT_URL: url,
    SALLYPORT_PUBLIC_URL: `http://${PUBLIC_HOST}:${port}`,
    SALLYPORT_CLIENT_ID: "researcher",
    SALLYPORT_CLIENT_SECRET: secrets["researcher-secret"] ?? "",
  };
  const simulator = workloadOf(find(readManifests(join(laptop, "simulator.yaml")), "Deployment", "simulator"));
  const samples = [...workloadsOf(base).filter(({ name }) => name !== "sallyport" && name !== "redis"), simulator];
  const ports = new Map(
    await Promise.all(
      samples.map(
        async (one) => [one.name, await host.sample(one, one.name === "researcher" ? researcherEnv : {})] as const,
      ),
    ),
  );

  const etc = host.folder("etc/sallyport");
  const configMap = (name: string) => find(base, "ConfigMap", name).data ?? {};
  const config = parseDocument(configMap("sallyport-config")["sallyport.yaml"] ?? "");
  for (const [name, at] of ports) {
    for (const path of [
      ["mcp", "servers", name, "url"],
      ["a2a", "agents", name, "url"],
    ]) {
      const address = config.getIn(path);
      if (typeof address === "string") config.setIn(path, address.replace(/^http:\/\/[^/]+/, `http://127.0.0.1:${at}`));
    }
  }
  for (const [path, value] of [
    [["listen", "host"], "127.0.0.1"],
    [["listen", "port"], port],
    [["listen", "console", "port"], port + 1],
    [["listen", "health", "host"], "127.0.0.1"],
    [["listen", "health", "port"], port + 2],
    [["listen", "allowedHosts", 0], "127.0.0.1"],
  ] as const)
    config.setIn(path, value);
  mountFiles(join(etc, "config"), { "sallyport.yaml": config.toString() });
  mountFiles(join(etc, "policies"), configMap("sallyport-policies"));
  mountFiles(join(etc, "secrets"), secrets);

  const image = host.image("gateway", "gateway");
  /* The objects that the overlay `watch` has from the API server, out of a file; and where the Service is that they name. */
  const objects = [
    "--manifests",
    join(k8s, "samples"),
    "--backend",
    `simulator.sallyport=http://127.0.0.1:${ports.get("simulator") ?? 0}`,
  ];
  const args = [...image.command.map((arg) => arg.replace("/etc/sallyport", etc)), ...objects];
  gateway = host.run(image, args, {
    ...laptopEnv(),
    PUBLIC_URL: `http://${PUBLIC_HOST}:${port}`,
    MODEL_URL: `http://127.0.0.1:${ports.get("simulator") ?? 0}`,
    REDIS_ADDRESS: `127.0.0.1:${redis.port}`,
  });
  await eventually(() => expect(gateway.output()).toContain('"message":"ready"'), 400);
}, 120_000);

afterAll(async () => {
  await host?.stop();
  await redis?.stop();
});

test("the probes find a gateway that is ready, on the health address", async () => {
  const answers = await Promise.all(["/livez", "/readyz", "/metrics"].map((path) => fetch(`${healthUrl}${path}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await answers[2]?.text()).toContain("# TYPE sallyport_in_flight gauge");
});

test("what runs from an image can write nowhere in it", async () => {
  const image = host.image("probe", "gateway");
  const tries = ["new", "src/new.ts", "package.json", "node_modules/new"].map((path) => join(image.app, path));
  const script = `for (const path of ${JSON.stringify(tries)}) try { fs.writeFileSync(path, "", { flag: "wx" }); console.log(path); } catch (error) { console.log(error.code); }`;
  const { ended, output } = host.run(image, ["-e", script]);
  expect(await ended).toBe(0);
  expect(output().trim().split("\n")).toEqual(["EACCES", "EACCES", "EEXIST", "EACCES"]);
});

test("the operator's token is the one that was mounted", async () => {
  const status = await fetch(`${adminUrl}/api/status`, {
    headers: { authorization: `Bearer ${secrets["admin-token"] ?? ""}` },
  });
  expect(await status.json()).toMatchObject({ state: "ready" });
});

/** What a block of the page prints, run in an empty folder with this gateway in place of the forwarded port. */
function runBlock(part: string): string {
  const block = shellBlocks().find((text) => text.includes(part));
  if (block === undefined) throw new Error(`the page has no block with ${part}`);
  const cwd = mkdtempSync(join(tmpdir(), "sallyport-shell-"));
  try {
    const script = block.replaceAll("http://127.0.0.1:4000", url).replaceAll("http://127.0.0.1:4001", adminUrl);
    return execFileSync("sh", ["-eu", "-c", script], {
      cwd,
      encoding: "utf8",
      env: { ...process.env, KEY: secrets["api-key"], TOKEN: secrets["admin-token"] },
    });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

test("a call of the walk-through is answered by the simulated model", () => {
  expect(JSON.parse(runBlock('"Say hello"'))).toMatchObject({ object: "chat.completion", model: "llama-3-8b" });
});

test("the researcher, which reaches the gateway by its Service alone, works for a caller through tool, model and writer", () => {
  expect(JSON.parse(runBlock("/a2a/researcher"))).toMatchObject({
    result: { task: { status: { state: "TASK_STATE_COMPLETED", message: { parts: [{ text: "Done." }] } } } },
  });
});

test.for<[string, string, string]>([
  ["the configuration, for a team", '"model":"small","max_tokens"', "The budget team "],
  [
    "a TokenRateLimitPolicy, for everybody on its route",
    "/chat/v1/chat/completions",
    "The budget sallyport/chat/everybody ",
  ],
])("the loop ends in a 429 with JSON and retry-after where the limit is that of %s", ([, part, message]) => {
  const lines = runBlock(part).split(/\r?\n/);
  const answered = lines.findIndex((line) => line !== "200");
  expect(answered).toBeGreaterThan(2);
  expect(lines[answered]).toBe("429");
  const seconds = Number(/^retry-after: (\d+)$/i.exec(lines[answered + 1] ?? "")?.[1]);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(JSON.parse(lines.slice(answered + 2).join(""))).toMatchObject({
    error: { type: "rate_limit_error", message: expect.stringContaining(message) as string },
  });
});

test("the operator finds the refused call in the journal, with what refused it", async () => {
  /* Records are written in batches. */
  await eventually(() => {
    const answer = JSON.parse(runBlock("/api/journal")) as object;
    expect(answer).toMatchObject({ records: [{ target: { kind: "model" }, outcome: "failed" }] });
    expect(JSON.stringify(answer)).toContain("budget_exhausted");
  }, 20);
});

test("on SIGTERM it ends well", async () => {
  gateway.signal("SIGTERM");
  expect(await gateway.ended).toBe(0);
});
