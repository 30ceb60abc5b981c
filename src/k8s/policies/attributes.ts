import { knownCaller } from "./access-rules.ts";

/*
 * What Kuadrant's expressions read (Kuadrant/architecture, RFC 0002) and what stands for it here. A text is what is written in its
 * place; `refused` says why there is none.
 */
type Meaning = string | { readonly refused: string };

const header = (name: string): string => `("${name}" in request.headers ? request.headers["${name}"] : "")`;
const keysAreNoSecrets =
  "a key has no Secret here whose metadata could be read: write `auth.identity.groups`, or `principal.tenant`";
const unknown = (what: string): Meaning => ({ refused: `${what} is not known here` });
/* A claim of a token; callers with a key have none, and are known by their name. */
const caller = (claim: string): string =>
  `(has(principal.claims.${claim}) ? string(principal.claims.${claim}) : principal.subject)`;

/* Where has() asks for what always has a value here: Kuadrant's are not there without a credential. */
const presence: Readonly<Record<string, string>> = {
  "auth.identity": `(${knownCaller})`,
  "auth.identity.sub": `(${knownCaller})`,
  "auth.identity.iss": `(${knownCaller})`,
  "auth.identity.groups": "(principal.groups.size() > 0)",
  "auth.identity.anonymous": `(!(${knownCaller}))`,
  "auth.identity.user.username": `(${knownCaller})`,
};

/* The longest that fits counts. What follows it, such as a key in brackets, stays. */
const attributes: Readonly<Record<string, Meaning>> = {
  "request.method": "request.method",
  "request.host": "request.host",
  "request.path": "request.path",
  "request.url_path": "request.path",
  "request.headers": "request.headers",
  "request.time": "request.time",
  "request.useragent": header("user-agent"),
  "request.referer": header("referer"),
  "request.auth.claims": "principal.claims",
  "request.id": unknown("an id that callers can see"),
  "request.query": unknown("the query of the address"),
  "request.scheme": unknown("how the caller is connected"),
  "request.protocol": unknown("how the caller is connected"),
  "request.size": unknown("the size of the body, before it is read"),
  "request.body": unknown("the body as one text, but requestBodyJSON,"),
  "request.raw_body": unknown("the body as one text, but requestBodyJSON,"),
  "request.context_extensions": unknown("what Envoy is configured with"),
  "source.address": "request.ip",
  "source.remote_address": "request.ip",
  source: unknown("more of the caller's connection than `source.address`"),
  "auth.identity": "principal.claims",
  "auth.identity.sub": "principal.subject",
  "auth.identity.iss": "principal.issuer",
  "auth.identity.groups": "principal.groups",
  "auth.identity.userid": caller("userid"),
  "auth.identity.username": caller("username"),
  "auth.identity.anonymous": `(!(${knownCaller}))`,
  /* Of a token of the API server: `system:serviceaccount:NAMESPACE:NAME` is its subject. */
  "auth.identity.user.username": "principal.subject",
  "auth.identity.metadata.annotations": { refused: keysAreNoSecrets },
  "auth.identity.metadata.labels": { refused: keysAreNoSecrets },
  auth: unknown("more of an AuthPolicy than `auth.identity`"),
  destination: unknown("where the call goes"),
  connection: unknown("the connection"),
  upstream: unknown("where the call goes"),
  metadata: unknown("metadata of Envoy"),
  filter_state: unknown("state of Envoy's filters"),
  xds: unknown("state of Envoy"),
};

/* What their functions over the body read. */
const bodyFields: Readonly<Record<string, string>> = {
  model: "llm.model",
  stream: "llm.stream",
  messages: "llm.messages",
  tools: "llm.tools",
};

/** An expression of ours, or why there is none. */
export type Translated = { readonly source: string } | { readonly refused: string };

/* So that what stands in them is left alone. */
const texts = String.raw`r?"""[^]*?"""|r?'''[^]*?'''|r"[^"]*"|r'[^']*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'`;
const name = String.raw`[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*`;
/* A text; a function over the body; has() of a name; a name with its fields. */
const tokens = new RegExp(
  String.raw`${texts}|\b(?:request|response)BodyJSON\(\s*(?:"[^"]*"|'[^']*')\s*\)|(?<![\w.])has\(\s*${name}\s*\)|(?<![\w.])${name}`,
  "g",
);
/* A text; a field of the caller's in brackets. */
const bracketed = new RegExp(String.raw`${texts}|\b(auth\s*\.\s*identity)\s*\[\s*(["'])([A-Za-z_]\w*)\2\s*\]`, "g");

/* Kuadrant's groups are one text with commas, as an annotation has them, or what the token has. */
const isTextMethod =
  /^(?:contains|endsWith|indexOf|lastIndexOf|lowerAscii|matches|split|startsWith|substring|trim|upperAscii)$/;

/** Puts what is known here in place of what Kuadrant calls it. */
export function translateAttributes(source: string): Translated {
  let refused: string | undefined;
  const dotted = source.replace(bracketed, (token: string, identity?: string, _?: string, field = "") =>
    identity !== undefined && Object.hasOwn(attributes, `auth.identity.${field}`) ? `${identity}.${field}` : token,
  );
  const translated = dotted.replace(tokens, (token: string) => {
    const body = /^(request|response)BodyJSON\(\s*["']\/?([^"']*)["']/.exec(token);
    if (body !== null) {
      const [, side, field = ""] = body;
      const known = side === "request" && Object.hasOwn(bodyFields, field) ? bodyFields[field] : undefined;
      if (known !== undefined) return known;
      refused ??= `of bodies, requestBodyJSON of ${Object.keys(bodyFields)
        .map((each) => `/${each}`)
        .join(", ")} alone is known here`;
      return token;
    }
    const asked = /^has\(\s*([^]*?)\s*\)$/.exec(token)?.[1];
    if (/^r?["']/.test(token)) return token;
    const made = toOurs(asked ?? token, asked !== undefined);
    if (typeof made === "string") return made;
    refused ??= made.refused;
    return token;
  });
  return refused === undefined ? { source: translated } : { refused };
}

/* A name with its fields, or what says whether it has a value. */
function toOurs(written: string, asked: boolean): Meaning {
  const names = written.split(".").map((each) => each.trim());
  const whole = names.join(".");
  const told = asked && Object.hasOwn(presence, whole) ? presence[whole] : undefined;
  if (told !== undefined) return told;
  for (let length = names.length; length > 0; length -= 1) {
    const known = names.slice(0, length).join(".");
    const meaning = Object.hasOwn(attributes, known) ? attributes[known] : undefined;
    if (meaning === undefined) continue;
    if (typeof meaning !== "string") return { refused: `\`${written}\`: ${meaning.refused}` };
    const fields = names.slice(length);
    const rest = fields.map((field) => `.${field}`).join("");
    if (asked) {
      /* A choice is no field, which is what has() asks for. */
      if (meaning.startsWith("("))
        return known.startsWith("auth.identity.") ? `has(principal.claims.${names[2]})` : `has(${written})`;
      return `has(${meaning}${rest})`;
    }
    if (known === "auth.identity.groups" && isTextMethod.test(fields[0] ?? "")) return `${meaning}.join(",")${rest}`;
    return meaning + rest;
  }
  return asked ? `has(${written})` : written;
}
