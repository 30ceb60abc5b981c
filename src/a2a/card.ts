import type { AgentCard } from "./agent.ts";
import type { Version } from "./operations.ts";
import { isObject } from "./rpc-request.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Where callers get tokens: published in every card as the gateway's OAuth scheme. */
export interface CardAuthorization {
  /** RFC 8414 metadata of the authorization server. */
  readonly metadataUrl: string;
  readonly tokenUrl: string;
}

export interface CardRewrite {
  /** The agent's address at the gateway. */
  readonly publicUrl: string;
  /** Host and port of the agent as configured: no card may show it. */
  readonly agentUrl: string;
  /** `1.0` asks for a pure 1.0 card. A caller that names no version gets one that 0.3 clients can read too, where the agent speaks 0.3. */
  readonly shape: Version;
  readonly authorization: CardAuthorization | undefined;
}

/* The fields of a 1.0 card that are the agent's to say (A2A 1.0, section 4.4.1). Whatever else a card holds does not pass. */
const ownFields = [
  "name",
  "description",
  "version",
  "provider",
  "documentationUrl",
  "iconUrl",
  "defaultInputModes",
  "defaultOutputModes",
] as const;
const skillFields = ["id", "name", "description", "tags", "examples", "inputModes", "outputModes"] as const;

/**
 * The card callers see: the agent's words, the gateway's addresses, security and capabilities. Signatures are dropped, since they
 * would not cover what is served (a signed card beside changed fields still verifies in the SDKs).
 */
export function rewriteCard({ value, interfaces }: AgentCard, rewrite: CardRewrite): Record<string, unknown> {
  const speaksLegacy = interfaces.has("0.3");
  const capabilities = isObject(value.capabilities) ? value.capabilities : {};
  const extended = capabilities.extendedAgentCard === true || value.supportsAuthenticatedExtendedCard === true;
  const order = (["1.0", "0.3"] as const).filter((version) => interfaces.has(version));
  const card: Record<string, unknown> = {
    ...pick(value, ownFields),
    supportedInterfaces: order.map((protocolVersion) => ({
      url: rewrite.publicUrl,
      protocolBinding: "JSONRPC",
      protocolVersion,
    })),
    capabilities: {
      streaming: capabilities.streaming === true,
      pushNotifications: false,
      ...(Array.isArray(capabilities.extensions) && capabilities.extensions.length > 0
        ? { extensions: capabilities.extensions }
        : {}),
      extendedAgentCard: extended,
    },
    skills: (Array.isArray(value.skills) ? value.skills : []).filter(isObject).map((skill) => pick(skill, skillFields)),
    securitySchemes: currentSchemes(rewrite.authorization),
    securityRequirements: requirements(rewrite.authorization).map((name) => ({ schemes: { [name]: { list: [] } } })),
  };
  const clean = withoutUpstream(card, upstreamHosts(value, rewrite.agentUrl), rewrite.publicUrl);
  return rewrite.shape === "0.3" && speaksLegacy ? { ...clean, ...legacyFields(rewrite, extended, clean) } : clean;
}

/** What makes a 1.0 card readable for 0.3 clients. One map of schemes serves both, as their members do not overlap. */
function legacyFields({ publicUrl, authorization }: CardRewrite, extended: boolean, clean: Fields): Fields {
  const bearer = { type: "http", scheme: "bearer" };
  const oauth =
    authorization === undefined
      ? undefined
      : {
          type: "oauth2",
          flows: { clientCredentials: { tokenUrl: authorization.tokenUrl, scopes: {} } },
          oauth2MetadataUrl: authorization.metadataUrl,
        };
  const schemes = isObject(clean.securitySchemes) ? clean.securitySchemes : {};
  const merged = (name: string, legacy: Fields) => ({ ...legacy, ...(isObject(schemes[name]) ? schemes[name] : {}) });
  return {
    protocolVersion: "0.3.0",
    url: publicUrl,
    preferredTransport: "JSONRPC",
    additionalInterfaces: [{ url: publicUrl, transport: "JSONRPC" }],
    supportsAuthenticatedExtendedCard: extended,
    securitySchemes: {
      bearer: merged("bearer", bearer),
      ...(oauth === undefined ? {} : { oauth2: merged("oauth2", oauth) }),
    },
    security: requirements(authorization).map((name) => ({ [name]: [] })),
  };
}

/** Bearer first: some clients look at the first requirement alone and give up when it is not theirs. */
const requirements = (authorization: CardAuthorization | undefined) =>
  authorization === undefined ? ["bearer"] : ["bearer", "oauth2"];

function currentSchemes(authorization: CardAuthorization | undefined): Fields {
  const bearer = { httpAuthSecurityScheme: { scheme: "bearer" } };
  if (authorization === undefined) return { bearer };
  const flows = { clientCredentials: { tokenUrl: authorization.tokenUrl, scopes: {} } };
  return { bearer, oauth2: { oauth2SecurityScheme: { flows, oauth2MetadataUrl: authorization.metadataUrl } } };
}

function pick(from: Fields, names: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of names) if (from[name] !== undefined && from[name] !== null) picked[name] = from[name];
  return picked;
}

/** Every host the agent calls its own: the configured one and those of its interfaces. */
function upstreamHosts(card: Fields, agentUrl: string): readonly string[] {
  const urls: unknown[] = [agentUrl, card.url];
  for (const list of [card.supportedInterfaces, card.additionalInterfaces]) {
    if (Array.isArray(list)) for (const item of list as unknown[]) if (isObject(item)) urls.push(item.url);
  }
  return [
    ...new Set(
      urls.filter((url): url is string => typeof url === "string" && URL.canParse(url)).map((url) => new URL(url).host),
    ),
  ].filter((host) => host !== "");
}

/** A member that is an address on the agent's own host goes (callers cannot reach it); inside a text the gateway's address takes its place. */
function withoutUpstream(
  value: Record<string, unknown>,
  hosts: readonly string[],
  publicUrl: string,
): Record<string, unknown> {
  const pattern = new RegExp(
    `(?:[a-z][a-z0-9+.-]{0,15}://)?(?:${hosts.map(escapeRegExp).join("|")})(?![\\w:-])(?:[^\\s"'<>)]*[^\\s"'<>).,;:!?])?`,
    "gi",
  );
  const publicHost = new URL(publicUrl).host;
  const clean = (item: unknown): unknown => {
    if (typeof item === "string") return item.startsWith(publicUrl) ? item : item.replace(pattern, publicUrl);
    if (Array.isArray(item)) return item.map(clean);
    if (!isObject(item)) return item;
    const entries = Object.entries(item).filter(
      ([, member]) => !(typeof member === "string" && isOwnAddress(member, hosts, publicHost)),
    );
    return Object.fromEntries(entries.map(([name, member]) => [name, clean(member)]));
  };
  return clean(value) as Record<string, unknown>;
}

function isOwnAddress(text: string, hosts: readonly string[], publicHost: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { host } = new URL(text);
  return host !== publicHost && hosts.includes(host);
}

const escapeRegExp = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
