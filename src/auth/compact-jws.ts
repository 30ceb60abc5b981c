/** Header and claims of a compact JWS whose form has been checked and whose signature has not. */
export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

const MAX_TOKEN = 16_384;

/** The bytes of canonical base64url only: a lenient decoder lets one token be spelled in many ways. */
function decode(part: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return undefined;
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : undefined;
}

/**
 * Whether any object in this valid JSON names a member twice: parsers disagree on which one counts (RFC 8725bis).
 * Names are compared after unescaping.
 */
export function hasDuplicateNames(json: string): boolean {
  const names: (Set<string> | undefined)[] = [];
  let expectName = false;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const text = match[0];
    if (text === "{") {
      names.push(new Set());
      expectName = true;
    } else if (text === "[") {
      names.push(undefined);
      expectName = false;
    } else if (text === "}" || text === "]") {
      names.pop();
      expectName = false;
    } else if (text === ",") {
      expectName = names.at(-1) !== undefined;
    } else if (expectName) {
      const name: unknown = JSON.parse(text);
      const seen = names.at(-1);
      if (typeof name === "string" && seen !== undefined) {
        if (seen.has(name)) return true;
        seen.add(name);
      }
      expectName = false;
    }
  }
  return false;
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || hasDuplicateNames(text)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** Undefined for anything but three canonical parts with two JSON objects in front (RFC 7515, section 7.1). */
export function parseCompactJws(token: string): CompactJws | undefined {
  if (token.length > MAX_TOKEN) return undefined;
  const parts = token.split(".", 4);
  const [first, second, third] = parts;
  if (parts.length !== 3 || first === undefined || second === undefined || third === undefined) return undefined;
  const headerBytes = decode(first);
  const payloadBytes = decode(second);
  if (headerBytes === undefined || payloadBytes === undefined || decode(third) === undefined) return undefined;
  const header = parseObject(headerBytes);
  const payload = parseObject(payloadBytes);
  return header === undefined || payload === undefined ? undefined : { header, payload };
}
