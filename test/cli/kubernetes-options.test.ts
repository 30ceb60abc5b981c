import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";

describe("serve --kubernetes", () => {
  test.for([
    [["--kubernetes", "--manifests", "."], "--kubernetes does not go with --manifests"],
    [["--kubernetes", "--quickstart"], "--kubernetes does not go with --quickstart"],
    [["--config", "x.yaml", "--namespace", "a"], "--kubeconfig, --context and --namespace go with --kubernetes"],
    [["--quickstart", "--context", "a"], "--kubeconfig, --context and --namespace go with --kubernetes"],
    [["--kubernetes", "--backend", "a.b=http://c"], "--backend goes with --manifests"],
    [["--kubernetes", "--port", "5000"], "--port and --data go with --quickstart"],
    [["--kubernetes", "--namespace", "No Such"], '--namespace takes the name of a namespace, not "No Such"'],
    [
      ["--kubernetes", ...Array.from({ length: 41 }, (_, index) => `--namespace=n${index}`)],
      "--namespace may be given 40 times",
    ],
  ] as const)("options that do not go together are refused: %j", async ([options, message]) => {
    const err: string[] = [];
    const output = { out: () => {}, err: (line: string) => void err.push(line) };
    expect(await runCommand(commands, "1.2.3", ["serve", ...options], output)).toBe(2);
    expect(err.join("\n")).toContain(message);
  });
});
