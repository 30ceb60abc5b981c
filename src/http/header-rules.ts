/** What the edge does with a request header. `single`: twice is 400. `list`: lines are joined. `drop`: nobody behind the edge sees it. */
export type HeaderRule = "single" | "list" | "cookie" | "drop" | "identity";

// oxfmt-ignore
const lists = [
  "a2a-extensions", "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers", "baggage",
  "cache-control", "if-match", "if-none-match", "link", "pragma", "prefer", "tracestate", "via", "warning",
];

/* Hop by hop (RFC 9110, section 7.6.1), and what a proxy says of its peer: the edge reads these itself and hands on its own reading. */
// oxfmt-ignore
const dropped = [
  "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
  "upgrade", "http2-settings", "expect", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
  "x-forwarded-prefix", "x-forwarded-server", "x-forwarded-scheme", "x-forwarded-ssl", "x-real-ip", "x-client-ip", "x-cluster-client-ip",
  "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-original-url", "x-rewrite-url", "x-original-host", "x-host",
  "x-http-method", "x-http-method-override", "x-method-override", "front-end-https",
];

/* Who a proxy says is calling. Only a trusted proxy may; from anyone else such a header is a claim without proof. */
// oxfmt-ignore
const identities = [
  "remote-user", "remote-groups", "remote-email", "remote-name", "x-remote-user", "x-remote-group", "x-user", "x-user-id", "x-user-email", "x-username",
  "x-authenticated-user", "x-authenticated-userid", "x-auth-user", "x-auth-email", "x-webauth-user", "x-email", "x-groups", "x-roles",
  "x-tenant", "x-tenant-id", "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username",
  "x-forwarded-access-token", "x-forwarded-client-cert", "x-client-cert", "x-ssl-cert", "ssl-client-cert", "ssl-client-verify", "x-jwt-payload",
];
const identityPrefixes =
  /^(?:x-forwarded-|x-auth-request-|x-remote-extra-|x-envoy-|x-amzn-oidc-|x-goog-iap-|x-goog-authenticated-|x-ms-client-principal|x-ssl-client-|x-sallyport-)/;

const table = new Map<string, HeaderRule>([
  ...lists.map((name): [string, HeaderRule] => [name, "list"]),
  ...dropped.map((name): [string, HeaderRule] => [name, "drop"]),
  ...identities.map((name): [string, HeaderRule] => [name, "identity"]),
  ["cookie", "cookie"],
  // Sealed by the gateway: it proves itself, and only to the agent it was given to.
  ["x-sallyport-chain", "single"],
  // A question, and no claim.
  ["x-sallyport-explain", "single"],
  // Says that a page asks which may set headers, and no more.
  ["x-sallyport-console", "single"],
]);

export function headerRule(name: string): HeaderRule {
  return table.get(name) ?? (identityPrefixes.test(name) ? "identity" : "single");
}

interface KnownHeader {
  readonly name: string;
  readonly rule: HeaderRule;
}

/* Names as clients spell them → what they mean, so that the common ones are neither lower-cased nor matched again. */
const spelled = new Map<string, KnownHeader>();
const MAX_SPELLED = 1_024;

/** The canonical name of a header and its rule; the spelling has passed Node's parser, so that it is a token. */
export function knownHeader(spelling: string): KnownHeader {
  const known = spelled.get(spelling);
  if (known !== undefined) return known;
  const name = spelling.toLowerCase();
  const made = { name, rule: headerRule(name) };
  // Bounded, and never long: callers invent names.
  if (spelled.size < MAX_SPELLED && spelling.length <= 64) spelled.set(spelling, made);
  return made;
}
