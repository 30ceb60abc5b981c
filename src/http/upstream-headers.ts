import type { IncomingHttpHeaders } from "node:http";

/* Not for anyone behind this connection (RFC 9110, section 7.6.1), and never a cookie of the upstream for the caller. */
const dropped = new Set([
  "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade",
]); // oxfmt-ignore

/** The headers of a request as undici takes them, names and values in turn; it writes the host and the length itself. */
export function toHeaderList(headers: Readonly<Record<string, string>>): string[] {
  const list: string[] = [];
  let encodings = false;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name === "host" || name === "content-length") continue;
    if (name === "accept-encoding") encodings = true;
    list.push(name, value);
  }
  // Nothing here decompresses: 77 bytes of brotli can be 50 MB.
  if (!encodings) list.push("accept-encoding", "identity");
  return list;
}

/** The same for what is passed on as it is, the host too. `length`: of a body that is not a Buffer. */
export function toVerbatimHeaderList(headers: Readonly<Record<string, string>>, length: number | undefined): string[] {
  const list: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && name !== "content-length") list.push(name, value);
  }
  if (length !== undefined) list.push("content-length", String(length));
  return list;
}

const noCookies: readonly string[] = [];

/** Every `set-cookie` of an answer. */
export function toCookies(parsed: IncomingHttpHeaders): readonly string[] {
  const cookies: string | readonly string[] | undefined = parsed["set-cookie"];
  return cookies === undefined ? noCookies : typeof cookies === "string" ? [cookies] : cookies;
}

/** The headers of an answer that may go further: repeated ones joined by a comma. */
export function toHeaders(parsed: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const name in parsed) {
    const value = parsed[name];
    if (value === undefined || dropped.has(name)) continue;
    headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  const { connection } = parsed;
  if (connection !== undefined && connection !== "keep-alive" && connection !== "close")
    for (const name of connection.toLowerCase().split(",")) delete headers[name.trim()];
  return headers;
}
