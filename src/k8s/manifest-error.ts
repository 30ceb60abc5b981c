import { formatManifestProblem, type ManifestProblem } from "./read-manifests.ts";

/** Manifests that cannot be honoured. The message lists every problem with its place. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";

  constructor(problems: readonly ManifestProblem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      [
        `the manifests cannot be honoured: ${count}`,
        ...problems.map((each) => `  ${formatManifestProblem(each)}`),
      ].join("\n"),
    );
  }
}
