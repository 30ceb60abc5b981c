import { z } from "zod";
import { secret } from "./units.ts";

/** Headers that belong to a connection or that the gateway writes for every call to a tool or an agent: no credential is one of them. */
export const writtenHeaders: readonly string[] = [
  "accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection", "te",
  "trailer", "transfer-encoding", "upgrade", "traceparent", "tracestate", "a2a-version", "last-event-id", "mcp-method", "mcp-name",
  "mcp-protocol-version", "mcp-session-id",
]; // oxfmt-ignore

const written = new Set(writtenHeaders);

/** What a header may hold: anything else fails at the first call, or begins another header (RFC 9110, section 5.5). */
export const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

/** A secret that is sent in a header. */
export const headerSecret = () => secret().regex(HEADER_TEXT, "one line of visible characters, as a header has it");

/** Headers that show who the gateway is, by name. */
export const credentialHeaders = () =>
  z.record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, "a header name")
      .refine((name) => !written.has(name.toLowerCase()), "a header that the gateway does not set itself"),
    headerSecret(),
  );
