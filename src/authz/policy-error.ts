/** One thing that is wrong with the policies. */
export interface PolicyProblem {
  /** `policies/tools.yaml:4`, or the path of a file or folder. */
  readonly place: string;
  readonly message: string;
  /** The line of an expression with a mark under the place. */
  readonly excerpt?: string;
}

const format = ({ place, message, excerpt }: PolicyProblem) =>
  [`${place}: ${message}`, ...(excerpt === undefined ? [] : excerpt.split("\n").map((line) => `    ${line}`))].join(
    "\n",
  );

/** The policies cannot be used: every problem, with its place and its fix. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[]) {
    super(problems.map(format).join("\n"));
    this.problems = problems;
  }
}
