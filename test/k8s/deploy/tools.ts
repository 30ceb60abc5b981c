import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

/** A program that renders, and how to get it. */
interface Tool {
  readonly program: string;
  readonly args: readonly string[];
  readonly install: string;
}

const tools = {
  kustomize: [
    { program: "kustomize", args: ["build"], install: "go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1" },
    { program: "kubectl", args: ["kustomize"], install: "https://kubernetes.io/docs/tasks/tools/" },
  ],
  helm: [{ program: "helm", args: [], install: "go install helm.sh/helm/v3/cmd/helm@v3.22.0" }],
} as const satisfies Record<string, readonly Tool[]>;

const validator: Tool = {
  program: "kubectl-validate",
  args: ["--version", "1.30"],
  install: "go install sigs.k8s.io/kubectl-validate@v0.0.4",
};

/* Where `go install` puts programs, besides what is on the path already. */
const goBin = process.env["GOBIN"] ?? join(process.env["GOPATH"] ?? join(process.env["HOME"] ?? "", "go"), "bin");
const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}${delimiter}${goBin}` };

const isThere = ({ program }: Tool) => spawnSync(program, ["version"], { env, stdio: "ignore" }).error === undefined;

/** What is not on this machine, each with the ways to get it; empty when all can be rendered. */
export const missingTools = (): readonly string[] =>
  Object.entries<readonly Tool[]>(tools)
    .filter(([, known]) => !known.some(isThere))
    .map(
      ([name, known]) => `${name}: ${known.map(({ program, install }) => `${program} by ${install}`).join(", or ")}`,
    );

/** Runs a tool and gives what it prints. Throws with what it says. */
export function runTool(name: keyof typeof tools, ...args: readonly string[]): string {
  const tool = (tools[name] as readonly Tool[]).find(isThere);
  if (tool === undefined) throw new Error(`${name} is not on this machine`);
  const { status, stdout, stderr } = spawnSync(tool.program, [...tool.args, ...args], {
    env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${[tool.program, ...tool.args, ...args].join(" ")}: ${stderr}`);
  return stdout;
}

/** What Kubernetes' own schemas say against the manifests of a folder, or that nobody is here to ask; undefined when they are valid. */
export function schemaFaults(folder: string): { readonly asked: boolean; readonly says: string } | undefined {
  if (!isThere(validator)) return { asked: false, says: validator.install };
  const { status, stdout, stderr } = spawnSync(validator.program, [...validator.args, folder], {
    env,
    encoding: "utf8",
  });
  return status === 0 ? undefined : { asked: true, says: `${stdout}${stderr}` };
}
