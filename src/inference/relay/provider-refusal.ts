import { errorKinds, GatewayError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { ErrorKind } from "../../core/errors.ts";
import type { RenderedError } from "../../core/step.ts";
import type { UpstreamResponse } from "../../http/upstream.ts";
import { toAnswerHeaders } from "./answer-headers.ts";
import { noteRefusal } from "./candidate-failure.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { isFields } from "../dialects/fields.ts";
import { readRetryAfterMs } from "./retry-after.ts";

const ERROR_BODY_LIMIT_BYTES = 65_536;
/* The status has said what matters, and somebody else may answer the call. */
const ERROR_BODY_LIMIT_MS = 2_000;
/* Anthropic's own status for 503. */
const OVERLOADED = 529;

/* A provider's own words, kept beside the error that stands for them in the journal. They are shown as they came. */
const verbatim = new WeakMap<GatewayError, RenderedError>();

/** The provider's own error answer, if this error has one, with what headers it was given since. */
export function verbatimOf(error: GatewayError): RenderedError | undefined {
  const answer = verbatim.get(error);
  return answer && { ...answer, headers: { ...answer.headers, ...error.headers } };
}

export interface RefusalOptions {
  /** Must not appear in what a provider says went wrong. */
  readonly secrets: readonly string[];
  /** The provider's wire format, and the caller's. */
  readonly from: Dialect;
  readonly to: Dialect;
  /** The gateway's own. */
  readonly requestId: string;
  readonly clock: Clock;
}

/**
 * The error of an answer that is not 200. A body in the caller's own dialect passes through with its status; the message of another
 * keeps its status and is put in the caller's shape; anything else is put into words of the gateway's. A 401 or 403 is the gateway's
 * own trouble: the caller's credential was good.
 */
export async function toRefusal(response: UpstreamResponse, options: RefusalOptions): Promise<GatewayError> {
  const { secrets, from, to, requestId, clock } = options;
  const { status } = response;
  if (status < 400 || status === 401 || status === 403 || status === 407) {
    response.discard();
    return new GatewayError("upstream_invalid", refusalWithoutBody(status), {
      cause: new Error(`the provider answered ${status}`),
    });
  }
  const text = await readErrorText(response);
  const retryAfterMs = readRetryAfterMs(response.headers, clock.now());
  const said = readSaid(text);
  const cause = new Error(`the provider answered ${status}: ${text.slice(0, 1_000)}`);
  if (said === undefined || secrets.some((secret) => text.includes(secret))) {
    const error = new GatewayError(kindOf(status), explain(status), { cause, headers: pickRetry(response.headers) });
    return noteRefusal(error, status, text, retryAfterMs);
  }
  const error = new GatewayError(kindOf(status), said.message, { cause });
  verbatim.set(error, {
    status: status === OVERLOADED && to !== from ? 503 : status,
    headers: toAnswerHeaders("application/json", response.headers),
    body:
      said.whole && to === from
        ? text
        : to.writeError(
            errorKinds[status === OVERLOADED || status === 503 ? "overloaded" : error.kind],
            said.message,
            requestId,
          ),
  });
  return noteRefusal(error, status, text, retryAfterMs);
}

/** What there is of the body within its limits; empty where it breaks off. Rejects when the caller leaves. */
async function readErrorText(response: UpstreamResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    response.cancel();
  }, ERROR_BODY_LIMIT_MS);
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > ERROR_BODY_LIMIT_BYTES) {
        response.cancel();
        break;
      }
    }
  } catch (error) {
    if (!isLate && !(error instanceof GatewayError && error.kind !== "cancelled")) throw error;
    if (!isLate) return "";
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refusalWithoutBody(status: number): string {
  if (status < 400) return `The provider answered with an unexpected status ${status}.`;
  return "The provider refused the gateway's credential for this model; tell whoever runs the gateway.";
}

/** The message of `{"error": {"message"}}`, `whole`; or of the near misses `{"error": "…"}`, `{"message": "…"}` and `{"detail": "…"}`. */
function readSaid(text: string): { readonly message: string; readonly whole: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(value)) return undefined;
  const error = value["error"];
  if (isFields(error) && typeof error["message"] === "string") return { message: error["message"], whole: true };
  const message = error ?? value["message"] ?? value["detail"];
  return typeof message === "string" && message !== "" ? { message: message.slice(0, 1_000), whole: false } : undefined;
}

function pickRetry(headers: Readonly<Record<string, string>>): Record<string, string> {
  const after = headers["retry-after"];
  return after === undefined ? {} : { "retry-after": after };
}

/** The kind of error that a provider's status stands for. */
export function kindOf(status: number): ErrorKind {
  if (status === 404) return "not_found";
  if (status === 408 || status === 504) return "upstream_timeout";
  if (status === 413) return "too_large";
  if (status === 422) return "invalid_params";
  if (status === 429) return "rate_limited";
  return status < 500 ? "invalid_request" : "upstream_unavailable";
}

function explain(status: number): string {
  if (status === 429) return "The provider's own rate limit is exhausted; try again later.";
  if (status < 500)
    return `The provider rejected the request with status ${status} and said nothing readable about why.`;
  return `The provider failed with status ${status}.`;
}
