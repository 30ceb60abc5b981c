import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Listener } from "../core/exchange.ts";
import { inAnyCidr, parseAddress, parseCidr, unmapped, type Cidr } from "./address.ts";
import { canonicalPath, canonicalQuery } from "./canonical-path.ts";
import { knownHeader } from "./header-rules.ts";
import type { HostCheck } from "./host.ts";
import { usualMethods } from "./methods.ts";

export interface CanonicalOptions {
  readonly checkHost: HostCheck;
  /** The listener that a Host header belongs to, which then needs no check; throws a GatewayError. */
  readonly listenerOf?: (header: string, serverName: string | undefined) => Listener | undefined;
  /** Blocks of proxies whose forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly maxHeaders: number;
  /** Those that are served; the usual ones when absent. */
  readonly methods?: ReadonlySet<string>;
  readonly clock: Clock;
}

/** What is read once a connection. */
interface Peer {
  readonly ip: string;
  readonly trusted: boolean;
  readonly encrypted: boolean;
  /** What the handshake asked for, in lower case. */
  readonly serverName: string | undefined;
}

const bad = (message: string) => new GatewayError("invalid_request", message);
/* Visible ASCII, space and tab. Bytes from 0x80 are read as Latin-1 here and as UTF-8 there, and a matcher that fails on them fails open. */
const headerText = /^[\t -~]*$/;
const connectionTokens = new Set(["close", "keep-alive", "upgrade", "te", "http2-settings", ""]);
const bodiless = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/** What the edge itself takes from headers that go no further. */
interface Consumed {
  transferEncoding: string;
  connection: string;
  upgrade: string;
  forwardedFor: string;
  forwardedProto: string;
}

function readHeaders(
  raw: readonly string[],
  maxHeaders: number,
  peer: Peer,
  consumed: Consumed,
): Record<string, string> {
  if (raw.length > maxHeaders * 2)
    throw new GatewayError("headers_too_large", `A request may have ${maxHeaders} header lines.`);
  const headers: Record<string, string> = Object.create(null);
  for (let at = 0; at < raw.length; at += 2) {
    const spelling = raw[at] ?? "";
    const value = raw[at + 1] ?? "";
    if (!headerText.test(value)) throw bad("A header has a byte outside of visible ASCII.");
    // A server behind that maps `_` to `-` would take x_user for x-user.
    if (spelling.includes("_")) throw bad("A header name with an underscore is not accepted.");
    const { name, rule } = knownHeader(spelling);
    if (rule === "drop") consume(consumed, name, value);
    else if (rule === "identity") {
      if (!peer.trusted) continue;
      if (headers[name] !== undefined) throw bad(`The header ${name} occurs twice.`);
      headers[name] = value;
    } else {
      const before = headers[name];
      if (before === undefined) headers[name] = value;
      else if (rule === "single")
        throw bad(name.length <= 64 ? `The header ${name} occurs twice.` : "A header occurs twice.");
      else headers[name] = before + (rule === "cookie" ? "; " : ", ") + value;
    }
  }
  return headers;
}

function consume(consumed: Consumed, name: string, value: string): void {
  const join = (before: string) => (before === "" ? value : `${before}, ${value}`);
  if (name === "connection") consumed.connection = join(consumed.connection);
  else if (name === "transfer-encoding") consumed.transferEncoding = join(consumed.transferEncoding);
  else if (name === "upgrade") consumed.upgrade = join(consumed.upgrade);
  else if (name === "x-forwarded-for") consumed.forwardedFor = join(consumed.forwardedFor);
  else if (name === "x-forwarded-proto") consumed.forwardedProto = join(consumed.forwardedProto);
}

function checkFraming(req: IncomingMessage, headers: Readonly<Record<string, string>>, consumed: Consumed): void {
  const { transferEncoding, connection, upgrade } = consumed;
  const length = headers["content-length"];
  if (transferEncoding !== "") {
    if (req.httpVersionMinor === 0) throw bad("Transfer-Encoding needs HTTP/1.1.");
    if (length !== undefined) throw bad("Content-Length and Transfer-Encoding exclude each other.");
    if (transferEncoding.toLowerCase() !== "chunked") throw bad("The only transfer encoding here is chunked.");
  }
  if (bodiless.has(req.method ?? "") && (transferEncoding !== "" || (length !== undefined && length !== "0"))) {
    throw bad(`A ${req.method} request has no body here.`);
  }
  if (connection !== "" && connection !== "keep-alive") {
    // `Connection: authorization` would have the next hop drop a header that this one has judged.
    for (const token of connection.toLowerCase().split(",")) {
      if (!connectionTokens.has(token.trim()))
        throw bad("The Connection header names a header that is not hop by hop.");
    }
  }
  // Other upgrades (h2c) are offers that may be ignored (RFC 9110, section 7.8); a WebSocket client would wait.
  if (/(?:^|[,\s])websocket(?:$|[,\s/])/i.test(upgrade))
    throw new GatewayError("unsupported", "WebSocket connections are not served here.");
}

/** Path, query and, in absolute form, the authority (RFC 9112, section 3.2). */
function readTarget(url: string, host: string): { readonly path: string; readonly query: string } {
  let target = url;
  if (!url.startsWith("/")) {
    const absolute = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url);
    if (absolute === null) throw bad("The address is not accepted: it is not an absolute path.");
    if (absolute[1]?.toLowerCase() !== host) throw bad("The address and the Host header name different hosts.");
    target = absolute[2] === undefined || absolute[2] === "" ? "/" : absolute[2];
  }
  const mark = target.indexOf("?");
  if (mark < 0) return { path: canonicalPath(target), query: "" };
  return { path: canonicalPath(target.slice(0, mark)), query: canonicalQuery(target.slice(mark + 1)) };
}

/** Empty or false where the handshake named none (RFC 6066, section 3). */
function serverNameOf({ servername }: TLSSocket): string | undefined {
  return typeof servername === "string" && servername !== "" ? servername.toLowerCase() : undefined;
}

/** From right to left, past our own proxies: the first address that none of them vouches for. What lies left of it anyone could have written. */
function clientIp(peer: Peer, forwardedFor: string, proxies: readonly Cidr[]): string {
  if (!peer.trusted || forwardedFor === "") return peer.ip;
  let ip = peer.ip;
  for (const part of forwardedFor.split(",").reverse()) {
    const text = unmapped(part.trim());
    const address = parseAddress(text);
    if (address === undefined) return ip;
    ip = text;
    if (!inAnyCidr(address, proxies)) return ip;
  }
  return ip;
}

/** Builds the function that reads a request once, for authentication, policy, dispatch and forwarding alike. It throws a GatewayError. */
export function createCanonicalizer(options: CanonicalOptions): (req: IncomingMessage) => CanonicalRequest {
  const { checkHost, listenerOf, maxHeaders, methods = usualMethods, clock } = options;
  const proxies = options.trustedProxies.map((text) => parseCidr(text)).filter((each) => each !== undefined);
  const peers = new WeakMap<object, Peer>();

  function peerOf(socket: IncomingMessage["socket"]): Peer {
    let peer = peers.get(socket);
    if (peer === undefined) {
      const ip = unmapped(socket.remoteAddress ?? "");
      const address = parseAddress(ip);
      const trusted = address !== undefined && inAnyCidr(address, proxies);
      const encrypted = socket instanceof TLSSocket;
      peer = { ip, trusted, encrypted, serverName: encrypted ? serverNameOf(socket) : undefined };
      peers.set(socket, peer);
    }
    return peer;
  }

  return (req) => {
    if (req.httpVersionMajor !== 1) throw bad("The version on the request line is not HTTP/1.");
    const method = req.method ?? "";
    if (!methods.has(method)) throw new GatewayError("method_not_allowed", "This method is not served here.");
    const peer = peerOf(req.socket);
    const consumed: Consumed = {
      transferEncoding: "",
      connection: "",
      upgrade: "",
      forwardedFor: "",
      forwardedProto: "",
    };
    const headers = readHeaders(req.rawHeaders, maxHeaders, peer, consumed);
    checkFraming(req, headers, consumed);
    const host = headers["host"]?.toLowerCase();
    if (host === undefined) throw bad("The Host header is missing.");
    const target = readTarget(req.url ?? "", host);
    const listener = listenerOf?.(host, peer.serverName);
    if (listener === undefined && !checkHost(host)) {
      throw new GatewayError(
        "misdirected",
        "This gateway does not serve the host in the Host header. Its operator can add one under listen.allowedHosts.",
      );
    }
    const forwarded = peer.trusted ? consumed.forwardedProto.split(",").at(-1)?.trim().toLowerCase() : undefined;
    const scheme = forwarded === "https" || forwarded === "http" ? forwarded : peer.encrypted ? "https" : "http";
    return {
      method,
      path: target.path,
      query: target.query,
      headers,
      host,
      scheme,
      listener,
      ip: clientIp(peer, consumed.forwardedFor, proxies),
      connection: peer,
      receivedAtMs: clock.now(),
    };
  };
}
