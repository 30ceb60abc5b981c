import type { TraceContext } from "../core/exchange.ts";
import { randomHex } from "../core/ids.ts";

/* W3C Trace Context, https://www.w3.org/TR/trace-context/ */

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_TRACEPARENT_LENGTH = 256;

/** What a caller's `traceparent` says; undefined when it must be ignored (section 4.3). */
export function parseTraceparent(
  header: string | undefined,
): { traceId: string; spanId: string; sampled: boolean } | undefined {
  if (header === undefined || header.length < 55 || header.length > MAX_TRACEPARENT_LENGTH) return undefined;
  const match = traceparent.exec(header);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string | undefined,
  ];
  // Section 2.2.2: ff is invalid, version 00 ends here, a later one may go on after a dash.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

const MAX_TRACESTATE_LENGTH = 512;
const MAX_MEMBERS = 32;
/* Section 3.3.1.3: a simple key, or tenant@system; the value is printable ASCII but for comma and equals sign and does not end in a space. */
const member =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** The caller's `tracestate` to pass on, or empty when it is absent, too long or malformed (section 3.5). */
export function parseTracestate(header: string | undefined): string {
  if (header === undefined || header === "" || header.length > MAX_TRACESTATE_LENGTH) return "";
  const seen = new Set<string>();
  const members: string[] = [];
  for (const part of header.split(",")) {
    const text = part.replaceAll(/^[ \t]+|[ \t]+$/g, "");
    // Empty members are allowed and carry nothing.
    if (text === "") continue;
    const key = text.slice(0, text.indexOf("="));
    if (!member.test(text) || seen.has(key) || members.length === MAX_MEMBERS) return "";
    seen.add(key);
    members.push(text);
  }
  return members.join(",");
}

/** Continues the caller's trace, or begins a new one under `newTraceId`; `sampleNew` decides for a new one. */
export function beginTrace(
  headers: Readonly<Record<string, string>>,
  newTraceId: string,
  sampleNew: (traceId: string) => boolean,
): TraceContext {
  const parent = parseTraceparent(headers["traceparent"]);
  if (parent !== undefined) {
    return {
      traceId: parent.traceId,
      spanId: randomHex(8),
      parentSpanId: parent.spanId,
      sampled: parent.sampled,
      tracestate: parseTracestate(headers["tracestate"]),
    };
  }
  // Section 3.3: a tracestate without a traceparent means nothing.
  return {
    traceId: newTraceId,
    spanId: randomHex(8),
    parentSpanId: "",
    sampled: sampleNew(newTraceId),
    tracestate: "",
  };
}
