import type { ConfigProblem } from "../core/config-problem.ts";
import type { Config } from "./schema.ts";

/** What no schema can see. A domain that exports a `check…` from its `config.ts` gains a line here. */
export const checks: readonly ((config: Config) => readonly ConfigProblem[])[] = [];
