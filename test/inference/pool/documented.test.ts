import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { filters } from "../../../src/inference/picker/filters/registry.ts";
import { choosers } from "../../../src/inference/picker/pickers/registry.ts";
import { profiles } from "../../../src/inference/picker/profiles.ts";
import { scorers } from "../../../src/inference/picker/scorers/registry.ts";
import { engines } from "../../../src/inference/pool/engines.ts";

const page = readFileSync(new URL("../../../docs/pools.md", import.meta.url), "utf8");

const rows = [
  ...filters.map((each) => ({ ...each, kind: "filter" })),
  ...scorers.map((each) => ({ ...each, kind: "scorer" })),
  ...choosers.map((each) => ({ ...each, kind: "picker" })),
];

test.for(rows)(
  "docs/pools.md says of $type what it does and which options it has",
  ({ type, kind, description, options }) => {
    const named = Object.keys(options).map((name) => `\`${name}\``);
    expect(page).toContain(
      `| \`${type}\` | ${kind} | ${description} |${named.length === 0 ? "" : ` ${named.join(", ")}`} |`,
    );
  },
);

test("docs/pools.md names every profile, and every metric that is read", () => {
  for (const name of Object.keys(profiles)) expect(page).toContain(`| \`${name}\``);
  for (const { wanted } of Object.values(engines)) for (const { name } of wanted) expect(page).toContain(name);
});
