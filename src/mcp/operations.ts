import type { Mode, Operation, Target } from "../core/operation.ts";
import type { JsonObject } from "./message.ts";

const NO_TOOL = { name: "", arguments: {}, annotations: {} } as const;
const NO_RESOURCE = { uri: "" } as const;
const NO_PROMPT = { name: "", arguments: {} } as const;

/** The server that offers something, and whose it is. */
export interface Offerer {
  readonly name: string;
  readonly tenant?: string | undefined;
}

/** What nobody offers. */
export const nobody: Offerer = { name: "" };

/** A call of a tool under its own name at its own server, whatever it is called on the route. */
export function toolOperation(server: Offerer, name: string, args: unknown, annotations: unknown): Operation {
  return targeted(
    "tools/call",
    server,
    { kind: "tool", name, server: server.name },
    { tool: { name, arguments: args ?? {}, annotations: annotations ?? {} } },
  );
}

export function resourceOperation(server: Offerer, uri: string, method = "resources/read"): Operation {
  return targeted(method, server, { kind: "resource", name: uri, server: server.name }, { resource: { uri } });
}

export function promptOperation(server: Offerer, name: string, args: unknown, method = "prompts/get"): Operation {
  return targeted(
    method,
    server,
    { kind: "prompt", name, server: server.name },
    { prompt: { name, arguments: args ?? {} } },
  );
}

/** What needs only a principal: handshakes, lists, notifications, replies. */
export function plainOperation(
  method: string,
  mode: Mode,
  direction: Operation["direction"] = "to-target",
  { name: server, tenant }: Offerer = nobody,
): Operation {
  return {
    protocol: "mcp",
    method,
    direction,
    mode,
    target: { kind: server === "" ? "none" : "server", name: server, server },
    tenant,
    judged: false,
    variables: { mcp: { method, server, tool: NO_TOOL, resource: NO_RESOURCE, prompt: NO_PROMPT } },
  };
}

function targeted(
  method: string,
  { tenant }: Offerer,
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
    mode: "call",
    target,
    tenant,
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
export function itemOperation(kind: ListKind, server: Offerer, name: string, value: JsonObject): Operation {
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
