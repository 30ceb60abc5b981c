import { checkTenants } from "../auth/config.ts";
import { checkBudgets } from "../budgets/config.ts";
import type { ConfigProblem } from "../core/config-problem.ts";
import { checkConsole, checkMcpPaths } from "../gateway/config.ts";
import { checkGuards } from "../guardrails/config.ts";
import { checkListeners, checkPorts, checkTlsFiles, doubtCertificates } from "../http/config.ts";
import { checkCache, checkChoices, checkFallbacks, checkPools, findUnused } from "../inference/config.ts";
import { checkRouteListeners, checkRoutes } from "../services/config.ts";
import type { Config } from "./schema.ts";

/** What no schema can see. A domain that exports a `check…` from its `config.ts` gains an entry here. */
export const checks: readonly ((config: Config) => readonly ConfigProblem[])[] = [
  checkPorts,
  checkTlsFiles,
  checkListeners,
  checkMcpPaths,
  checkConsole,
  checkTenants,
  checkBudgets,
  checkFallbacks,
  checkPools,
  checkCache,
  checkChoices,
  checkGuards,
  checkRoutes,
  checkRouteListeners,
];

/** What can be honoured and is probably not what was meant. Asked where no check has found anything. */
export const doubts: readonly ((config: Config) => readonly ConfigProblem[])[] = [findUnused, doubtCertificates];
