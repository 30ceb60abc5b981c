import { dirname } from "node:path";
import { z } from "zod";
import { createAuthz } from "../authz/authz.ts";
import type { PoliciesConfig } from "../authz/config.ts";
import type { Explanation, RuleExplanation } from "../authz/explanation.ts";
import { asSchema, callSchema, chainSchema, requestSchema, toCaller, toOperation } from "../authz/imagined.ts";
import { PolicyError } from "../authz/policy-error.ts";
import { readConfig } from "../config/load.ts";
import { silentLog } from "../core/log.ts";
import { defineCommand, UsageError } from "./command.ts";

const target = (what: string) =>
  ({ type: "string", value: "NAME", description: `the ${what} that is called` }) as const;
const json = (description: string) => ({ type: "string", value: "JSON", description }) as const;

function parseJson(option: string, text: string | undefined): unknown {
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--${option} is not JSON: ${text}`);
  }
}

function parseWith<T>(schema: z.ZodType<T>, option: string, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--${option}: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`);
}

function policiesOf(
  config: string | undefined,
  policies: string | undefined,
): { config: PoliciesConfig; baseDir: string } {
  if (policies !== undefined) return { config: policies, baseDir: process.cwd() };
  if (config === undefined) throw new UsageError("explain needs --config FILE or --policies PATH.");
  const read = readConfig(config);
  if (read.config === undefined) throw read.error;
  return { config: read.config.policies, baseDir: read.config.baseDir ?? dirname(config) };
}

function outcomeLine(
  { rule, effect, source, outcome, error, missingScopes, shadow, decided }: RuleExplanation,
  width: number,
): string {
  const notes = [
    ...(error === undefined ? [] : [error]),
    ...(missingScopes === undefined ? [] : [`the caller lacks ${missingScopes.join(" ")}`]),
    ...(shadow ? ["shadow: decides nothing"] : []),
    source,
  ];
  return `${decided ? ">" : " "} ${outcome.padEnd(21)} ${effect.padEnd(7)} ${rule.padEnd(width)}  ${notes.join("; ")}`;
}

function describe({ decision, why, rules }: Explanation): string[] {
  const width = Math.max(0, ...rules.map(({ rule }) => rule.length));
  const challenge = decision.allow || decision.scopes === undefined ? "" : `, challenge: ${decision.scopes.join(" ")}`;
  return [
    `${decision.allow ? "allow" : "deny"} by ${decision.rule}${challenge}`,
    `because ${why}`,
    ...rules.map((rule) => outcomeLine(rule, width)),
  ];
}

export const explainCommand = defineCommand({
  usage: `--config FILE|--policies PATH --as JSON --tool NAME [--arguments JSON]`,
  options: {
    config: { type: "string", value: "FILE", description: "the configuration whose policies are asked" },
    policies: { type: "string", value: "PATH", description: "a folder or file of rules, in place of --config" },
    as: json('the caller, such as {"groups":["analyst"]}'),
    tool: target("MCP tool"),
    resource: target("MCP resource"),
    prompt: target("MCP prompt"),
    agent: target("A2A agent"),
    model: target("model"),
    service: target("service"),
    server: { type: "string", value: "NAME", description: "the MCP server that offers the target" },
    arguments: json("what the tool or prompt is given"),
    call: json('more of the call, such as {"skill":"translate"}'),
    chain: json('the chain, such as {"depth":2}'),
    request: json('the HTTP request, such as {"ip":"192.0.2.7"}'),
    list: { type: "boolean", description: "judge it as an item of a list" },
    json: { type: "boolean", description: "print the explanation as JSON" },
  },
  async run({ options, out, err }) {
    const { tool, resource, prompt, agent, model, service, server } = options;
    const named = {
      tool,
      resource,
      prompt,
      agent,
      model,
      service,
      server,
      ...(options.arguments !== undefined && { arguments: parseJson("arguments", options.arguments) }),
    };
    const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
    const call = parseWith(callSchema, "call", { ...(parseJson("call", options.call) as object), ...given });
    const caller = toCaller(
      parseWith(asSchema, "as", parseJson("as", options.as)),
      parseWith(chainSchema, "chain", parseJson("chain", options.chain)),
      parseWith(requestSchema, "request", parseJson("request", options.request)),
    );
    try {
      const authz = await createAuthz({ ...policiesOf(options.config, options.policies), log: silentLog });
      const explanation = authz.explain(caller, toOperation(call), { listing: options.list });
      if (options.json) out(JSON.stringify(explanation, null, 2));
      else for (const line of describe(explanation)) out(line);
      return 0;
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      err(error.message);
      return 1;
    }
  },
});
