import type { Mode, Operation, Target } from "../core/operation.ts";
import type { JsonObject } from "./message.ts";

const NO_TOOL = { name: "", arguments: {}, annotations: {} } as const;
const NO_RESOURCE = { uri: "" } as const;
const NO_PROMPT = { name: "", arguments: {} } as const;

/** A call of a tool under its own name at its own server, whatever it is called on the route. */
export function toolOperation(server: string, name: string, args: unknown, annotations: unknown): Operation {
  return targeted(
    "tools/call",
    "call",
    { kind: "tool", name, server },
    { tool: { name, arguments: args ?? {}, annotations: annotations ?? {} } },
  );
}

export function resourceOperation(server: string, uri: string, method = "resources/read"): Operation {
  return targeted(method, "call", { kind: "resource", name: uri, server }, { resource: { uri } });
}

export function promptOperation(server: string, name: string, args: unknown, method = "prompts/get"): Operation {
  return targeted(method, "call", { kind: "prompt", name, server }, { prompt: { name, arguments: args ?? {} } });
}

/** What needs only a principal: handshakes, lists, notifications, replies. */
export function plainOperation(
  method: string,
  mode: Mode,
  direction: Operation["direction"] = "to-target",
  server = "",
): Operation {
  return {
    protocol: "mcp",
    method,
    direction,
    mode,
    target: { kind: server === "" ? "none" : "server", name: server, server },
    judged: false,
    variables: { mcp: { method, server, tool: NO_TOOL, resource: NO_RESOURCE, prompt: NO_PROMPT } },
  };
}

function targeted(
  method: string,
  mode: Mode,
  target: Target,
  variables: {
    readonly tool?: { name: string; arguments: unknown; annotations: unknown };
    readonly resource?: { uri: string };
    readonly prompt?: { name: string; arguments: unknown };
  },
): Operation {
  return {
    protocol: "mcp",
    method,
    direction: "to-target",
    mode,
    target,
    judged: true,
    variables: {
      mcp: {
        method,
        server: target.server,
        tool: variables.tool ?? NO_TOOL,
        resource: variables.resource ?? NO_RESOURCE,
        prompt: variables.prompt ?? NO_PROMPT,
      },
    },
  };
}

/** The operation that decides whether a listed item may be seen. */
export function itemOperation(kind: ListKind, server: string, name: string, value: JsonObject): Operation {
  if (kind === "tools") return toolOperation(server, name, {}, value["annotations"]);
  return kind === "prompts" ? promptOperation(server, name, {}) : resourceOperation(server, name);
}

export type ListKind = "tools" | "prompts" | "resources" | "templates";

/** The lists: their method, the field their items stand in, the item's key, and the capability that offers them. */
export const lists = {
  tools: { method: "tools/list", field: "tools", key: "name", capability: "tools" },
  prompts: { method: "prompts/list", field: "prompts", key: "name", capability: "prompts" },
  resources: { method: "resources/list", field: "resources", key: "uri", capability: "resources" },
  templates: {
    method: "resources/templates/list",
    field: "resourceTemplates",
    key: "uriTemplate",
    capability: "resources",
  },
} as const satisfies Record<
  ListKind,
  { readonly method: string; readonly field: string; readonly key: string; readonly capability: string }
>;
