/*
 * What Kuadrant's expressions read (Kuadrant/architecture, RFC 0002) and what stands for it here. A text is what is written in its
 * place; `refused` says why there is none.
 */
type Meaning = string | { readonly refused: string };

const header = (name: string): string => `("${name}" in request.headers ? request.headers["${name}"] : "")`;
const unknown = (what: string): Meaning => ({ refused: `${what} is not known here` });
/* A claim of a token; callers with a key have none, and are known by their name. */
const caller = (claim: string): string =>
  `(has(principal.claims.${claim}) ? string(principal.claims.${claim}) : principal.subject)`;

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
  "source.address": "request.ip",
  "source.remote_address": "request.ip",
  source: unknown("more of the caller's connection than `source.address`"),
  "auth.identity": "principal.claims",
  "auth.identity.sub": "principal.subject",
  "auth.identity.iss": "principal.issuer",
  "auth.identity.groups": "principal.groups",
  "auth.identity.userid": caller("userid"),
  "auth.identity.username": caller("username"),
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
  "/model": "llm.model",
  "/stream": "llm.stream",
  "/messages": "llm.messages",
  "/tools": "llm.tools",
};

/** An expression of ours, or why there is none. */
export type Translated = { readonly source: string } | { readonly refused: string };

/* Texts, so that what stands in them is left alone; a function over the body; a name with its fields. */
const tokens =
  /r?"""[^]*?"""|r?'''[^]*?'''|r"[^"]*"|r'[^']*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\b(?:request|response)BodyJSON\(\s*(?:"[^"]*"|'[^']*')\s*\)|(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*/g;

/** Puts what is known here in place of what Kuadrant calls it. */
export function translateAttributes(source: string): Translated {
  let refused: string | undefined;
  const translated = source.replace(tokens, (token: string, offset: number) => {
    const body = /^(request|response)BodyJSON\(\s*["']([^"']*)["']/.exec(token);
    if (body !== null) {
      const [, side, pointer = ""] = body;
      const field = side === "request" ? bodyFields[pointer] : undefined;
      if (field !== undefined) return field;
      refused ??= `of bodies, requestBodyJSON of ${Object.keys(bodyFields).join(", ")} alone is known here`;
      return token;
    }
    if (!/^[A-Za-z_]\w*(\s*\.|$)/.test(token) || /^r?["']/.test(token)) return token;
    const names = token.split(".").map((name) => name.trim());
    for (let length = names.length; length > 0; length -= 1) {
      const known = names.slice(0, length).join(".");
      const meaning = Object.hasOwn(attributes, known) ? attributes[known] : undefined;
      if (meaning === undefined) continue;
      if (typeof meaning !== "string") {
        refused ??= `\`${token}\`: ${meaning.refused}`;
        return token;
      }
      const rest = names.slice(length).map((name) => `.${name}`);
      /* A choice is no field, which is what has() asks for. */
      if (meaning.startsWith("(") && /\bhas\(\s*$/.test(source.slice(0, offset)))
        return known.startsWith("auth.identity.") ? `principal.claims.${names[2]}` : token;
      return meaning + rest.join("");
    }
    return token;
  });
  return refused === undefined ? { source: translated } : { refused };
}
