import { Context, type ContextSource } from "../../src/cel/context.ts";
import { compileExpression, type ResultType } from "../../src/cel/expression.ts";
import { type VariableName, variables } from "../../src/cel/variables.ts";
import { ExpressionError } from "../../src/cel/expression-error.ts";

const every = (Object.keys(variables) as VariableName[]).filter((name) => name !== "a2a" && name !== "llm");

export const principal = {
  id: "https://login.example.com#ada",
  issuer: "https://login.example.com",
  subject: "ada",
  client: "cli",
  tenant: "team-a",
  scopes: ["read"],
  groups: ["analyst"],
  claims: { team: "research", level: 3, admin: "true" },
  actors: [{ issuer: "https://login.example.com", subject: "agent-1" }],
  credential: "token",
  expiresAtMs: undefined,
  credentialId: undefined,
} as const;

/** A context in which a tool is called with these arguments. */
export function contextOf(args: unknown, more: Partial<ContextSource> = {}): Context {
  const none = { name: "", arguments: {}, annotations: {} };
  return new Context({
    principal,
    request: {
      method: "POST",
      path: "/mcp",
      query: "",
      headers: { "user-agent": "test" },
      host: "localhost",
      scheme: "https",
      ip: "192.0.2.1",
      connection: {},
      receivedAtMs: Date.UTC(2026, 0, 1, 13, 30),
    },
    chain: {
      id: "0af7651916cd43dd8448eb211c80319c",
      depth: 2,
      alone: true,
      root: principal.id,
      path: ["researcher"],
      spent: 0,
      tainted: false,
    },
    variables: {
      mcp: {
        method: "tools/call",
        server: "files",
        tool: { name: "read_file", arguments: args, annotations: { readOnlyHint: true } },
        resource: { uri: "" },
        prompt: none,
      },
    },
    ...more,
  });
}

export const compile = <R extends ResultType>(source: string, result: R, names: readonly VariableName[] = every) =>
  compileExpression(source, { variables: names, result });

/** What loading says of a bad expression: `line:column message`. */
export function loadError(source: string, result: ResultType = "bool", names: readonly VariableName[] = every): string {
  try {
    compile(source, result, names);
  } catch (error) {
    if (error instanceof ExpressionError) return `${error.line}:${error.column} ${error.message}`;
    throw error;
  }
  return "loads";
}

export const evaluate = (source: string, args: unknown = {}, more: Partial<ContextSource> = {}): boolean =>
  compile(source, "bool").evaluate(contextOf(args, more));
