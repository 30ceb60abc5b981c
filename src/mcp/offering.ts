import { isObject } from "./message.ts";
import type { Era } from "./revisions.ts";
import type { RouteView, Sees } from "./route-view.ts";

const INSTRUCTIONS_LIMIT = 16_000;
const FEATURES = ["tools", "prompts", "resources"] as const;

/** What a route offers, as its handshake says it. */
export interface Offering {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** What a route offers one caller. */
export async function offeringOf(view: RouteView, era: Era, sees: Sees): Promise<Offering> {
  const capabilities = await capabilitiesOf(view, era);
  return { capabilities, instructions: await instructionsOf(view, sees) };
}

/** All servers' capabilities together. A server that could not be asked may offer anything, so its features are announced. */
export async function capabilitiesOf(view: RouteView, era: Era): Promise<Offering["capabilities"]> {
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
  return capabilities;
}

/* Instructions name a server and what it does: they are for who sees any of it. */
async function instructionsOf(view: RouteView, sees: Sees): Promise<string | undefined> {
  const texts = view.members.flatMap(({ server: { name, info } }) =>
    info?.instructions === undefined || info.instructions === "" ? [] : [{ name, text: info.instructions }],
  );
  if (texts.length === 0) return undefined;
  const names = texts.map(({ name }) => name);
  const shown = await view.shown(names, sees);
  const parts = texts
    .filter(({ name }) => shown.has(name))
    .map(({ name, text }) => (view.members.length === 1 ? text : `# ${name}\n${text}`));
  return parts.length === 0 ? undefined : parts.join("\n\n").slice(0, INSTRUCTIONS_LIMIT);
}
