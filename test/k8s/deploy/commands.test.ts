import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { sampleOf } from "./containers.ts";
import { secretKeys } from "./demands.ts";
import { k8s, parseManifests, readKustomized, readManifests, root } from "./manifests.ts";
import { blocksOf, isBlock } from "./network.ts";
import { readPage, shellBlocks } from "./page.ts";
import { workloadsOf } from "./pods.ts";

/* The commands of docs/kubernetes.md that need a cluster or a builder, run by a shell as they are printed: what is recorded is what
   would be asked of docker, kind, minikube, kubectl and helm. The calls of the gateway are run in walkthrough.test.ts. */

const programs = ["docker", "kind", "minikube", "kubectl", "helm"];
const asked: string[][] = [];

function record(block: string, bin: string): readonly string[][] {
  const log = join(bin, "log");
  writeFileSync(log, "");
  execFileSync("sh", ["-eu", "-c", block], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, LOG: log },
  });
  return readFileSync(log, "utf8")
    .split("\0\0")
    .filter((line) => line !== "")
    .map((line) => line.split("\0"));
}

beforeAll(() => {
  const bin = mkdtempSync(join(tmpdir(), "sallyport-bin-"));
  for (const program of programs) {
    writeFileSync(
      join(bin, program),
      /* All of it in one write: the programs of a pipe run at once. */
      `#!/bin/sh\nprintf '%s\\0' ${program} "$@" "" >> "$LOG"\n`,
    );
    chmodSync(join(bin, program), 0o755);
  }
  asked.push(
    ...shellBlocks()
      .filter((block) => !block.includes("curl "))
      .flatMap((block) => record(block, bin)),
  );
  rmSync(bin, { recursive: true });
});

const calls = (program: string, ...words: readonly string[]) =>
  asked.filter(([first, ...rest]) => first === program && words.every((word) => rest.includes(word)));

const after = (call: readonly string[], option: string): readonly string[] =>
  call.filter((_, index) => call[index - 1] === option);

const laptop = [...readKustomized(join(k8s, "base")), ...readManifests(join(k8s, "overlays/laptop/simulator.yaml"))];
const containers = workloadsOf(laptop).flatMap(({ pod }) => pod.containers);
const ownImages = [
  ...new Set(containers.map(({ image }) => image).filter((image) => image.startsWith("sallyport/"))),
].toSorted();

describe("the commands of the page", () => {
  test("build the images of the laptop's pods, each from the sources its pod starts", () => {
    const builds = calls("docker", "build");
    expect(builds.flatMap((call) => after(call, "-t")).toSorted()).toEqual(ownImages);
    for (const build of builds) {
      const [image = ""] = after(build, "-t");
      const [sample] = after(build, "--build-arg").map((arg) => arg.replace("SAMPLE=", ""));
      const scripts = containers.filter((container) => container.image === image).map(({ args = [] }) => args[0] ?? "");
      expect(after(build, "--target")).toEqual([sample === undefined ? "gateway" : "sample"]);
      for (const script of scripts)
        expect(sample ?? script).toBe(sample === undefined ? "src/main.ts" : sampleOf(script));
      expect(existsSync(join(root, after(build, "-f")[0] ?? ""))).toBe(true);
    }
  });

  test("load the same images into kind and into minikube", () => {
    expect(
      calls("kind", "load", "docker-image")
        .map((call) => call.at(-1) ?? "")
        .toSorted(),
    ).toEqual(ownImages);
    expect(
      calls("minikube", "image", "load")
        .map((call) => call.at(-1) ?? "")
        .toSorted(),
    ).toEqual(ownImages);
  });

  test("make the Secret with every key that is read, each a different one of 48 characters", () => {
    const literals = calls("kubectl", "create", "secret").flatMap((call) =>
      call.filter((word) => word.startsWith("--from-literal=")),
    );
    const secrets = literals.map((word) => word.replace("--from-literal=", "").split("=") as [string, string]);
    expect(secrets.map(([key]) => key).toSorted()).toEqual(secretKeys(laptop));
    for (const [, value] of secrets) expect(value).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(secrets.map(([, value]) => value)).size).toBe(secrets.length);
  });

  test("apply what is there, and forward the port that the Service has", () => {
    const applied = calls("kubectl", "apply")
      .flatMap((call) => [...after(call, "-f"), ...after(call, "-k")])
      .filter((one) => one !== "-")
      .concat(calls("kubectl", "kustomize").flatMap((call) => after(call, "kustomize")));
    const [addresses, paths] = [true, false].map((isAddress) =>
      applied.filter((one) => URL.canParse(one) === isAddress),
    );
    /* Of a version, not of a branch. */
    expect(addresses?.map((one) => /\/v\d+\.\d+\.\d+\//.test(one))).toEqual([true, true, true]);
    expect(paths).toEqual(expect.arrayContaining(["k8s/overlays/laptop", "k8s/overlays/watch"]));
    expect(paths?.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(calls("kubectl", "port-forward").map((call) => call.slice(-2))).toEqual([
      ["service/sallyport", "4000:4000"],
      ["deployment/sallyport", "4001:4001"],
    ]);
    expect(calls("kubectl", "rollout", "status")[0]).toContain("deployment/sallyport");
    expect(calls("helm", "install")[0]?.slice(2, 4)).toEqual(["sallyport", "k8s/chart"]);
  });

  test("every path of k8s that the page names is there, and every npm script is one", () => {
    const page = readPage();
    const paths = [...page.matchAll(/k8s\/[\w./-]*[\w]/g)].map(([path]) => path);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const rows = [...page.split("## ")[0]!.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
    expect(rows.filter((name) => !existsSync(join(k8s, name)))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    expect([...page.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => scripts[name])).not.toContain(undefined);
  });
});

test("the address that is asked for takes the place of the placeholder, and the policy is one", () => {
  const [block = ""] = shellBlocks().filter((text) => text.includes("kubectl kustomize"));
  const bin = mkdtempSync(join(tmpdir(), "sallyport-bin-"));
  const policy = join(k8s, "components/follow/network-policy.yaml");
  const script = `#!/bin/sh\ncase "$*" in *endpointslices*) echo 172.18.0.2;; kustomize*) cat ${policy};; apply*) cat;; esac\n`;
  writeFileSync(join(bin, "kubectl"), script, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const applied = execFileSync("sh", ["-eu", "-c", block], { env, encoding: "utf8" });
  rmSync(bin, { recursive: true });
  expect(blocksOf(readManifests(policy)).map(isBlock)).toEqual([false]);
  expect(blocksOf(parseManifests(applied))).toEqual(["172.18.0.2/32"]);
});

test("the rules of the base pass their own tests", async () => {
  const args = [join(root, "src/main.ts"), "policy-test", join(k8s, "base/gateway/policies")];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("10/10 passed");
});

describe("the chart", () => {
  const values = parse(readFileSync(join(k8s, "chart/values.yaml"), "utf8")) as Record<string, unknown> & {
    readonly config: string;
    readonly policies: Readonly<Record<string, string>>;
  };

  test("has the configuration, the rules and the environment of the base", () => {
    const data = (name: string) =>
      laptop.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name)?.data;
    expect(values.config).toBe(data("sallyport-config")?.["sallyport.yaml"]);
    expect(values.policies).toEqual(data("sallyport-policies"));
    const env = JSON.stringify(values["env"]).replaceAll("{{ .Release.Namespace }}", "sallyport");
    expect(JSON.parse(env)).toEqual(data("sallyport-env"));
    expect(values["secret"]).toEqual({ name: "sallyport", keys: secretKeys(readKustomized(join(k8s, "base"))) });
  });

  test("has a schema that knows each of its values, down to the second level, and nothing else", () => {
    interface Schema {
      readonly type: string;
      readonly additionalProperties?: unknown;
      readonly properties?: Readonly<Record<string, Schema>>;
    }
    const schema = JSON.parse(readFileSync(join(k8s, "chart/values.schema.json"), "utf8")) as Schema;
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties ?? {}).toSorted()).toEqual([...Object.keys(values), "global"].toSorted());
    for (const [name, { additionalProperties, properties = {} }] of Object.entries(schema.properties ?? {})) {
      if (additionalProperties !== false) continue;
      expect([name, Object.keys(properties).toSorted()]).toEqual([
        name,
        Object.keys(values[name] as object).toSorted(),
      ]);
    }
  });

  test("makes no secret, and tells in its notes how to", () => {
    const names = [
      "autoscaler",
      "config",
      "deployment",
      "network-policy",
      "rbac",
      "redis",
      "samples",
      "service",
      "service-account",
    ];
    const templates = names.map((name) => readFileSync(join(k8s, `chart/templates/${name}.yaml`), "utf8")).join("\n");
    expect(templates).not.toMatch(/kind: Secret|randAlpha|lookup/);
    expect(readFileSync(join(k8s, "chart/templates/NOTES.txt"), "utf8")).toContain("create secret generic");
  });
});
