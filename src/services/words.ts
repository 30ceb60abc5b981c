import { configName } from "../core/config-name.ts";
import { z } from "zod";
import { headerSecret } from "../core/header-words.ts";
import { durationMs } from "../core/units.ts";

/* What several parts of a route's configuration are written in. */

const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/;

/** Of this connection, or set by the gateway for every request: no rule may say otherwise (RFC 9110, section 7.6.1). */
const ownHeaders = new Set([
  "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  "traceparent", "tracestate", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id",
]); // oxfmt-ignore

export const headerName = z.string().regex(HEADER, "a header name");

/** A header that a rule may write. */
export const editableHeader = headerName.refine(
  (name) => !ownHeaders.has(name.toLowerCase()),
  "a header that the gateway does not set itself; `rewrite.host` changes the host",
);

export const headerValue = z
  .string()
  .max(4_096)
  .regex(/^[\t\x20-\x7e]*$/, "a value of visible characters");

export const credentialHeaders = z
  .record(editableHeader, headerSecret())
  .meta({ description: "Headers by name.", examples: [{ "x-api-key": "${env:SHOP_KEY}" }] });

/** A host name in lower case, without a port; no address. */
export const preciseHost =
  /^(?!(?:\d+\.)*\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export const hostName = z
  .string()
  .max(253)
  .regex(preciseHost, "a host in lower case without a port, such as shop.example.com");

/** As the edge hands paths on; a rule written otherwise would match nothing. */
export const pathText = z
  .string()
  .max(1_024)
  .startsWith("/", "a path that starts with /")
  .refine(
    (text) => /^(?:[-A-Za-z0-9/._~!$&'()*+,=:@]|%[0-9A-F]{2})+$/.test(text) && !/\/\/|%2F|\/\.{1,2}(?:\/|$)/.test(text),
    "a path without //, /./, /../, ;, %2F and # (percent-encodings in upper case)",
  );

/** The name of a service or of a route; manifests give them their namespace and port. */
export const serviceName = configName;

export const timeout = (description: string) => durationMs().meta({ description, examples: ["10s"] });
