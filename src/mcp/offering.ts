import type { RouteView } from "./route-view.ts";
import { isObject } from "./message.ts";
import type { Era } from "./revisions.ts";

const INSTRUCTIONS_LIMIT = 16_000;
const FEATURES = ["tools", "prompts", "resources"] as const;

/** What a route offers, as its handshake says it. */
export interface Offering {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** All servers' capabilities together. A server that could not be asked may offer anything, so its features are announced. */
export async function offeringOf(view: RouteView, era: Era): Promise<Offering> {
  await Promise.allSettled(view.members.map(({ server }) => server.connect()));
  const infos = view.members.map(({ server }) => server.info);
  const has = (feature: string, flag?: string) =>
    infos.some((info) => {
      const capability = info?.capabilities[feature];
      return flag === undefined ? capability !== undefined : isObject(capability) && capability[flag] === true;
    });
  const capabilities: Record<string, unknown> = {};
  const unknown = infos.includes(undefined);
  for (const feature of FEATURES) {
    if (!unknown && !has(feature)) continue;
    capabilities[feature] = {
      ...(has(feature, "listChanged") ? { listChanged: true } : {}),
      ...(feature === "resources" && has(feature, "subscribe") ? { subscribe: true } : {}),
    };
  }
  if (has("completions")) capabilities["completions"] = {};
  /* Deprecated in 2026-07-28, where a request asks for logs itself. */
  if (era === "legacy" && has("logging")) capabilities["logging"] = {};
  return { capabilities, instructions: instructionsOf(view) };
}

function instructionsOf(view: RouteView): string | undefined {
  const parts = view.members.flatMap(({ server }) => {
    const text = server.info?.instructions;
    if (text === undefined || text === "") return [];
    return view.members.length === 1 ? [text] : [`# ${server.name}\n${text}`];
  });
  return parts.length === 0 ? undefined : parts.join("\n\n").slice(0, INSTRUCTIONS_LIMIT);
}
