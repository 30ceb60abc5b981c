import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chartChecks } from "./chart-checks.ts";
import { overlayChecks } from "./overlay-checks.ts";
import { renderings } from "./render.ts";
import { missingTools, schemaFaults } from "./tools.ts";

/* Renders what k8s/ holds with kustomize and Helm, and asserts field by field what docs/kubernetes.md promises. */

const checks = { ...overlayChecks, ...chartChecks };
const missing = missingTools();
if (missing.length > 0) {
  console.error(
    `k8s:render needs programs that are not on this machine. Get them and run it again:\n  ${missing.join("\n  ")}`,
  );
  process.exit(1);
}
let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    check();
    console.log(`ok    ${name}`);
  } catch (thrown) {
    failures += 1;
    console.log(`FAIL  ${name}\n${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "sallyport-rendered-"));
for (const [name, text] of renderings) writeFileSync(join(folder, `${name}.yaml`), text);
const faults = schemaFaults(folder);
if (faults === undefined)
  console.log(`ok    the ${renderings.size} renderings are valid by the schemas of Kubernetes 1.30`);
else if (faults.asked) console.log(`FAIL  the schemas of Kubernetes 1.30\n${faults.says}`);
else console.log(`--    not held against the schemas of Kubernetes: ${faults.says}`);
if (faults?.asked === true) failures += 1;
rmSync(folder, { recursive: true });
const all = Object.keys(checks).length + (faults?.asked === false ? 0 : 1);
console.log(`k8s:render: ${all - failures}/${all} passed`);
process.exitCode = failures === 0 ? 0 : 1;
