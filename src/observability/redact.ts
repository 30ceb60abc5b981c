/* Secrets are kept out of the log by the name of their field and, wherever they turn up, by their shape. */

const REDACTED = "[redacted]";
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_KEYS = 100;
const MAX_TEXT_LENGTH = 8_192;
const MAX_CAUSES = 5;

/** Compared in lower case without `-` and `_`, so `x-api-key`, `apiKey` and `API_KEY` are one name. */
const secretNames =
  /^(?:code|codeverifier|assertion|clientassertion|credentials?|passwd|passphrase|pwd|privatekey|xgoogapikey|session|sessionid|mcpsessionid|otp|pin)$|(?:token|secret|password|authorization|cookie|apikey|privatekey|jwt)$/;

const names =
  "(?:[a-z_-]*(?:token|secret|password|api[_-]?key|assertion)|code|code_verifier|authorization|signature|sig)";

/** Each expression runs in linear time: no two of its parts can match the same text in two ways, and a start is tried once a run. */
const secretShapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g, REDACTED],
  [
    /\b(bearer|basic|dpop|digest|negotiate)[ \t]+(?!realm=|error=|resource_metadata=|scope=)[A-Za-z0-9._~+/=-]{6,}/gi,
    `$1 ${REDACTED}`,
  ],
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,4}/g, REDACTED],
  [
    /(?<![A-Za-z0-9])(?:sk|sp|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abprs]|AIza)[-_][A-Za-z0-9_-]{8,}/g,
    REDACTED,
  ],
  [/(?<![A-Za-z0-9])AKIA[A-Z0-9]{12,}/g, REDACTED],
  // Credentials in an address.
  [/(:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,1024}@/g, `$1${REDACTED}@`],
  // name=value in a query or a form, "name":"value" in JSON, name: value in a header.
  [
    new RegExp(
      `(?<![A-Za-z0-9_-])("?${names}"?(?:=|:[ \\t]*)"?)(?!\\[redacted\\]|bearer |basic |dpop )[^\\s"&,;}]{4,}`,
      "gi",
    ),
    `$1${REDACTED}`,
  ],
];

/** Text with everything that looks like a credential masked; cut at 8 KiB, which also bounds what masking costs. */
export function redactText(text: string): string {
  let result = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  if (result.length < 6) return result;
  for (const [shape, replacement] of secretShapes) result = result.replace(shape, replacement);
  return result;
}

function isSecretName(name: string, value: unknown): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_]/g, "");
  // A status or error number is no secret, and nor is the name of a system error.
  if (
    plain === "code" &&
    (typeof value === "number" || (typeof value === "string" && /^(?:E[A-Z]{2,20}|ERR_[A-Z_]{2,40})$/.test(value)))
  )
    return false;
  return secretNames.test(plain);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  // Errors of libraries carry whole requests with their headers, so only what helps and is short is taken.
  const extra = error as {
    kind?: unknown;
    code?: unknown;
    errcode?: unknown;
    syscall?: unknown;
    status?: unknown;
    errors?: unknown;
  };
  for (const name of ["kind", "code", "errcode", "syscall", "status"] as const) {
    const value = extra[name];
    if (typeof value === "number") fields[name] = value;
    else if (typeof value === "string") fields[name] = redactText(value);
  }
  if (typeof error.stack === "string") fields["stack"] = redactText(error.stack);
  if (depth >= MAX_CAUSES) return fields;
  if (error.cause !== undefined)
    fields["cause"] =
      error.cause instanceof Error ? redactError(error.cause, depth + 1) : redactValue(error.cause, depth + 1);
  if (Array.isArray(extra.errors))
    fields["errors"] = extra.errors.slice(0, MAX_CAUSES).map((inner) => redactValue(inner, depth + 1));
  return fields;
}

function redactObject(value: object, depth: number): unknown {
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => redactValue(item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
  }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return redactText(value.href);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof Map)
    return redactObject(
      Object.fromEntries([...value].slice(0, MAX_KEYS).map(([key, item]) => [String(key), item])),
      depth,
    );
  if (value instanceof Set) return redactObject([...value], depth);
  // Made from pairs at the end: assigning to `__proto__` would set the prototype instead of a field.
  const result: [string, unknown][] = [];
  for (const name of Object.keys(value)) {
    if (result.length === MAX_KEYS) {
      result.push(["…", "more"]);
      break;
    }
    const item = (value as Record<string, unknown>)[name];
    const isSecret = item !== undefined && item !== null && isSecretName(name, item);
    result.push([redactText(name), isSecret ? REDACTED : redactValue(item, depth + 1)]);
  }
  return Object.fromEntries(result);
}

function redactValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return redactText(value);
    case "bigint":
      return value.toString();
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    case "object":
      if (value === null) return null;
      if (value instanceof Error) return redactError(value, 0);
      return depth >= MAX_DEPTH ? "[deeper]" : redactObject(value, depth);
    default:
      return value;
  }
}

/** A copy of the fields that is safe to write: bounded, without cycles, getters called once, secrets masked. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return redactObject(fields, 0) as Record<string, unknown>;
  } catch {
    // A getter threw. Nothing of these fields can be trusted to be readable.
    return { unreadable: true };
  }
}
