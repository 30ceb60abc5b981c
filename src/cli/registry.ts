import type { Command } from "./command.ts";
import { authCommand } from "./auth.ts";
import { checkCommand } from "./check.ts";
import { clientsCommand } from "./clients.ts";
import { demoCommand } from "./demo.ts";
import { explainCommand } from "./explain.ts";
import { journalCommand } from "./journal.ts";
import { keysCommand } from "./keys.ts";
import { policyTestCommand } from "./policy-test.ts";
import { schemaCommand } from "./schema.ts";
import { serveCommand } from "./serve.ts";

/** Every command, in the order of the help text. A file in this folder and a line here make one. */
export const commands: readonly Command[] = [
  serveCommand,
  demoCommand,
  checkCommand,
  explainCommand,
  policyTestCommand,
  journalCommand,
  keysCommand,
  clientsCommand,
  authCommand,
  schemaCommand,
];
