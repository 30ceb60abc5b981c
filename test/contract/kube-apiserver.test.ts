import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startKubeApiServer } from "./kube-apiserver.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-assets-"));
  vi.stubEnv("PATH", "");
  vi.stubEnv("KUBEBUILDER_ASSETS", dir);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

function writeProgram(name: string, text: string): void {
  const file = join(dir, name);
  writeFileSync(file, `#!${process.execPath}\n${text}\n`);
  chmodSync(file, 0o755);
}

describe("the contract with a real API server", () => {
  test("says in one line how to get the programs that are not there", async () => {
    writeProgram("etcd", "");
    const said = await startKubeApiServer();
    expect(said).toContain(
      "export KUBEBUILDER_ASSETS=$(go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest",
    );
    expect(said).not.toContain("\n");
  });

  test("says what a program said that ends at once, and leaves neither the other one nor files behind", async () => {
    const kube = () => readdirSync(tmpdir()).filter((name) => name.startsWith("sallyport-kube-"));
    const before = kube();
    writeProgram("etcd", "setInterval(() => {}, 1_000);");
    writeProgram("kube-apiserver", "console.error(`no flag ${process.argv[2]}`); process.exit(1);");
    const said = await startKubeApiServer();
    expect(said).toContain("did not start");
    expect(said).toContain("no flag --etcd-servers");
    expect(kube()).toEqual(before);
  });
});
