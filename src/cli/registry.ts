import type { Command } from "./command.ts";
import { checkCommand } from "./check.ts";
import { explainCommand } from "./explain.ts";
import { policyTestCommand } from "./policy-test.ts";
import { schemaCommand } from "./schema.ts";

/** Every command, in the order of the help text. A file in this folder and a line here make one. */
export const commands: readonly Command[] = [checkCommand, explainCommand, policyTestCommand, schemaCommand];
