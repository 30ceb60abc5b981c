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

/** The headers of an answer that may go further: repeated ones joined by a comma. */
export function toHeaders(parsed: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const name in parsed) {
    const value = parsed[name];
    if (value === undefined || dropped.has(name)) continue;
    headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  return headers;
}
