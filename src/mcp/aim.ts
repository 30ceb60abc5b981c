import { isObject } from "./message.ts";
import type { Message } from "./message.ts";
import { promptOperation, resourceOperation, toolOperation } from "./operations.ts";
import { codes, Refusal } from "./refusal.ts";
import type { Aim } from "./relay.ts";
import type { Era } from "./revisions.ts";
import type { RouteView } from "./route-view.ts";

type Aimer = (view: RouteView, message: Message, era: Era) => Promise<Aim>;

/** What each targeted method goes to. */
export const aims: Readonly<Record<string, Aimer>> = {
  "tools/call": async (view, message, era) => {
    const name = text(message, "name");
    const entry = await view.find("tools", name);
    if (entry === undefined) throw unknown("tool", name, era);
    const { server, item } = entry;
    return {
      server,
      item,
      operation: toolOperation(server, item.key, message.params["arguments"], item.value["annotations"]),
      renamed: name === item.key ? undefined : { path: ["name"], to: item.key },
      name: item.key,
    };
  },
  "prompts/get": async (view, message, era) => {
    const name = text(message, "name");
    const entry = await view.find("prompts", name);
    if (entry === undefined) throw unknown("prompt", name, era);
    const { server, item } = entry;
    return {
      server,
      operation: promptOperation(server, item.key, message.params["arguments"]),
      renamed: name === item.key ? undefined : { path: ["name"], to: item.key },
      name: item.key,
    };
  },
  "resources/read": aimAtResource,
  "resources/subscribe": aimAtResource,
  "resources/unsubscribe": aimAtResource,
  "completion/complete": async (view, message, era) => {
    const ref = message.params["ref"];
    if (!isObject(ref)) throw new Refusal(200, codes.invalidParams, "completion/complete needs params.ref.");
    if (ref["type"] === "ref/prompt" && typeof ref["name"] === "string") {
      const entry = await view.find("prompts", ref["name"]);
      if (entry === undefined) throw unknown("prompt", ref["name"], era);
      const { server, item } = entry;
      return {
        server,
        operation: promptOperation(server, item.key, {}, message.method),
        renamed: ref["name"] === item.key ? undefined : { path: ["ref", "name"], to: item.key },
      };
    }
    if (ref["type"] === "ref/resource" && typeof ref["uri"] === "string") {
      const uri = ref["uri"];
      const found = (await view.find("templates", uri)) ?? (await view.findResource(uri));
      if (found === undefined) throw unknown("resource", uri, era);
      return { server: found.server, operation: resourceOperation(found.server, uri, message.method) };
    }
    throw new Refusal(
      200,
      codes.invalidParams,
      "params.ref must be a ref/prompt with a name or a ref/resource with a uri.",
    );
  },
};

async function aimAtResource(view: RouteView, message: Message, era: Era): Promise<Aim> {
  const uri = text(message, "uri");
  const found = await view.findResource(uri);
  if (found === undefined) throw unknown("resource", uri, era);
  return { server: found.server, operation: resourceOperation(found.server, uri, message.method), name: uri };
}

function text(message: Message, key: string): string {
  const value = message.params[key];
  if (typeof value !== "string" || value === "")
    throw new Refusal(200, codes.invalidParams, `${message.method} needs params.${key}, a non-empty string.`);
  return value;
}

/** What there is not. In-band: the request itself was well formed. */
export function unknown(kind: "tool" | "prompt" | "resource", name: string, era: Era): Refusal {
  if (kind === "tool") return new Refusal(200, codes.invalidParams, `Unknown tool: ${name}`);
  if (kind === "prompt") return new Refusal(200, codes.invalidParams, `Unknown prompt: ${name}`);
  return new Refusal(
    200,
    era === "modern" ? codes.invalidParams : codes.resourceNotFound,
    `Resource not found: ${name}`,
    { uri: name },
  );
}
