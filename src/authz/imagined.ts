import { z } from "zod";
import { type Operation, type OperationVariables, type Protocol, type Target } from "../core/operation.ts";
import type { Caller } from "./decide.ts";

/* Who asks for what, as a person writes it: in the tests of a policy file and on the command line of `explain`. */

const text = z.string();
const share = z.number().min(0).max(1);
const dictionary = z.record(z.string(), z.unknown());

export const asSchema = z
  .strictObject({
    issuer: text.default("https://login.example.com"),
    subject: text.default("someone"),
    client: text.default(""),
    tenant: text.default(""),
    scopes: z.array(text).default([]),
    groups: z.array(text).default([]),
    claims: dictionary.default({}),
    actors: z.array(z.strictObject({ issuer: text.default("https://login.example.com"), subject: text })).default([]),
    credential: z.enum(["token", "key", "anonymous"]).default("token"),
  })
  .meta({ description: "The caller." });

export const chainSchema = z.strictObject({
  id: text.default("0af7651916cd43dd8448eb211c80319c"),
  depth: z.int().min(0).default(0),
  root: text.default(""),
  path: z.array(text).default([]),
  spent: z.number().min(0).default(0),
  tainted: z.boolean().default(false),
});

export const requestSchema = z.strictObject({
  method: text.default("POST"),
  path: text.default("/"),
  host: text.toLowerCase().default("localhost"),
  route: text.default(""),
  rule: text.default(""),
  tags: z.array(text).default([]),
  tenant: text.default(""),
  listener: text.default("main"),
  headers: z.record(z.string().toLowerCase(), text).default({}),
  ip: text.default("192.0.2.1"),
  time: z.iso.datetime({ offset: true, error: "a time such as 2026-11-23T09:00:00Z" }).default("2026-01-01T12:00:00Z"),
});

/** What each kind of target may carry beside its name. */
const kinds = {
  tool: { protocol: "mcp", method: "tools/call", beside: ["server", "arguments", "annotations", "method"] },
  resource: { protocol: "mcp", method: "resources/read", beside: ["server", "method"] },
  prompt: { protocol: "mcp", method: "prompts/get", beside: ["server", "arguments", "method"] },
  agent: {
    protocol: "a2a",
    method: "SendMessage",
    beside: ["skill", "task", "context", "message", "version", "method"],
  },
  model: {
    protocol: "llm",
    method: "chat.completions",
    beside: [
      "provider",
      "dialect",
      "stream",
      "messages",
      "tools",
      "maxTokens",
      "tokens",
      "cost",
      "complexity",
      "signals",
      "method",
    ],
  },
  service: { protocol: "http", method: "", beside: [] },
} as const satisfies Record<
  string,
  { readonly protocol: Protocol; readonly method: string; readonly beside: readonly string[] }
>;

type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

export const callSchema = z
  .strictObject({
    tool: text.optional(),
    resource: text.optional(),
    prompt: text.optional(),
    agent: text.optional(),
    model: text.optional(),
    service: text.optional(),
    method: text.optional(),
    server: text.optional(),
    arguments: dictionary.optional(),
    annotations: dictionary.optional(),
    skill: text.optional(),
    task: z
      .strictObject({ id: text.default("task-1"), state: text.default("TASK_STATE_WORKING"), owner: text.default("") })
      .optional(),
    context: text.optional(),
    message: z.strictObject({ parts: z.array(z.unknown()).default([]), metadata: dictionary.default({}) }).optional(),
    version: text.optional(),
    provider: text.optional(),
    dialect: text.optional(),
    stream: z.boolean().optional(),
    messages: z.array(z.unknown()).optional(),
    tools: z.array(z.unknown()).optional(),
    maxTokens: z.int().min(0).optional(),
    tokens: z.strictObject({ input: z.int().min(0).optional(), output: z.int().min(0).optional() }).optional(),
    cost: z.number().min(0).optional(),
    complexity: share.optional(),
    signals: z
      .strictObject({
        length: share.default(0),
        structure: share.default(0),
        code: share.default(0),
        maths: share.default(0),
        language: share.default(0),
        depth: share.default(0),
        tools: share.default(0),
      })
      .optional(),
  })
  .superRefine((call, context) => {
    const named = kindNames.filter((kind) => call[kind] !== undefined);
    const [kind] = named;
    if (kind === undefined || named.length > 1) {
      context.addIssue({ code: "custom", message: `names exactly one of ${kindNames.join(", ")}` });
      return;
    }
    const known: readonly string[] = [kind, ...kinds[kind].beside];
    for (const key of Object.keys(call)) {
      if (!known.includes(key))
        context.addIssue({
          code: "custom",
          path: [key],
          message: `a ${kind} has no ${key}; it has ${known.join(", ")}`,
        });
    }
  })
  .meta({ description: "What is asked for." });

export type As = z.output<typeof asSchema>;
export type Call = z.output<typeof callSchema>;

/** The caller that `as`, `chain` and `request` describe. */
export function toCaller(as: As, chain: z.output<typeof chainSchema>, request: z.output<typeof requestSchema>): Caller {
  const id = `${as.issuer}#${as.subject}`;
  return {
    principal: { ...as, id, expiresAtMs: undefined, credentialId: undefined },
    chain: { ...chain, alone: chain.depth === 0, root: chain.root === "" ? id : chain.root },
    request: {
      method: request.method.toUpperCase(),
      path: request.path,
      query: "",
      headers: Object.assign(Object.create(null) as Record<string, string>, request.headers),
      host: request.host,
      scheme: "https",
      listener: { name: request.listener, scheme: "https", port: undefined },
      ip: request.ip,
      connection: {},
      receivedAtMs: Date.parse(request.time),
    },
    route: {
      path: request.route,
      ruleName: request.rule,
      tags: request.tags.map((tag) => ({ tag })),
      tenant: request.tenant,
    },
  };
}

function toVariables(kind: Kind, call: Call, method: string): OperationVariables {
  switch (kind) {
    case "agent": {
      const task = call.task ?? { id: "", state: "", owner: "" };
      const message = call.message ?? { parts: [], metadata: {} };
      const { agent = "", skill = "", context = "", version = "1.0" } = call;
      return { a2a: { method, agent, skill, task, context, message, version } };
    }
    case "service":
      return {};
    case "model": {
      const {
        model = "",
        provider = "",
        dialect = "openai",
        stream = false,
        messages = [],
        tools = [],
        maxTokens = 0,
        tokens: { input, output = maxTokens === 0 ? undefined : maxTokens } = {},
        cost,
        complexity: score,
        signals: parts,
      } = call;
      const known = { maxTokens: BigInt(maxTokens), tokens: { input, output }, cost, complexity: { score, parts } };
      return { llm: { model, provider, dialect, stream, messages, tools, ...known } };
    }
    default: {
      const given = call.arguments ?? {};
      return {
        mcp: {
          method,
          server: call.server ?? "",
          tool: { name: call.tool ?? "", arguments: kind === "tool" ? given : {}, annotations: call.annotations ?? {} },
          resource: { uri: call.resource ?? "" },
          prompt: { name: call.prompt ?? "", arguments: kind === "prompt" ? given : {} },
        },
      };
    }
  }
}

/** The operation that `call` describes. */
export function toOperation(call: Call): Operation {
  const kind = kindNames.find((name) => call[name] !== undefined) ?? "tool";
  const method = call.method ?? kinds[kind].method;
  const name = call[kind] ?? "";
  const target: Target = { kind, name, server: kind === "agent" ? name : (call.server ?? call.provider ?? "") };
  return {
    protocol: kinds[kind].protocol,
    method,
    direction: "to-target",
    mode: call.stream === true ? "stream" : "call",
    target,
    judged: true,
    variables: toVariables(kind, call, method),
  };
}
