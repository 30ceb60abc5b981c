import { isJsonObject } from "../core/json-texts.ts";
import { GatewayError } from "../core/errors.ts";
import { LightAbortSignal, type AbortSignalLike } from "../core/abort.ts";
import type { CircuitBreaker } from "./guard.ts";
import { type Reach, trustOf } from "../http/reach.ts";
import type { Upstream } from "../http/upstream.ts";

/** What an external guard is shown and may change. */
export interface WebhookMessage {
  readonly role: string;
  readonly content: string;
}

/** What an external guard decided. `mask`: the same messages with other content. */
export type WebhookAction =
  | { readonly action: "pass" }
  | { readonly action: "mask"; readonly contents: readonly string[] }
  | { readonly action: "reject"; readonly message: string };

/** Asks one external guard. Rejects where no answer came that means anything, or with the signal's reason. */
export interface WebhookClient {
  request(messages: readonly WebhookMessage[], signal: AbortSignalLike): Promise<WebhookAction>;
  response(message: WebhookMessage, signal: AbortSignalLike): Promise<WebhookAction>;
}

export interface WebhookClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string | undefined;
  readonly reach?: Reach;
  readonly timeoutMs: number;
  readonly upstream: Upstream;
  readonly breaker: CircuitBreaker;
}

/* What is sent, and how much longer than that an answer may be. */
const MOST_SENT_BYTES = 8_388_608;
const OVERHEAD_BYTES = 65_536;
const LONGEST_MESSAGE = 2_000;

/** The contract of kgateway and agentgateway: `POST /request` and `POST /response`, answered by an action. */
export function createWebhookClient(options: WebhookClientOptions): WebhookClient {
  const { url, key, reach, timeoutMs, upstream, breaker } = options;
  const requestUrl = new URL(`${url}/request`);
  const responseUrl = new URL(`${url}/response`);
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };

  async function post(to: URL, asked: unknown, signal: AbortSignalLike): Promise<unknown> {
    const body = Buffer.from(JSON.stringify({ body: asked }));
    if (body.length > MOST_SENT_BYTES) throw new Error(`the texts are ${body.length} bytes, more than is sent at once`);
    // Of the whole call, not of each silence in it: a guard that trickles is as slow as one that hangs.
    const limit = new LightAbortSignal();
    const timer = setTimeout(() => limit.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const left = () => limit.abort(signal.reason);
    signal.addEventListener("abort", left, { once: true });
    try {
      const response = await upstream.request({
        url: to,
        trust: trustOf(reach),
        method: "POST",
        headers,
        body,
        signal: limit,
        headersTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs,
      });
      if (response.status !== 200) {
        response.discard();
        throw new Error(`status ${response.status}`);
      }
      return JSON.parse((await response.bytes(2 * body.length + OVERHEAD_BYTES)).toString("utf8"));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", left);
    }
  }

  async function ask(to: URL, asked: unknown, signal: AbortSignalLike, contentsOf: Contents): Promise<WebhookAction> {
    signal.throwIfAborted();
    const entry = breaker.enter();
    if (typeof entry === "object")
      throw new GatewayError("upstream_unavailable", "The guard failed several times and is left alone for a moment.");
    let health: "well" | "sick" | "unknown" = "sick";
    try {
      const action = toAction(await post(to, asked, signal), contentsOf);
      health = "well";
      return action;
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      health = "unknown";
      throw signal.reason;
    } finally {
      breaker.left(entry === "probe", health);
    }
  }

  return {
    request: (messages, signal) =>
      ask(requestUrl, { messages }, signal, (body) => contentsOf(body["messages"], messages.length)),
    response: (message, signal) =>
      ask(responseUrl, { choices: [{ message }] }, signal, (body) => {
        const choices: unknown[] = Array.isArray(body["choices"]) ? body["choices"] : [];
        return contentsOf(
          choices.map((choice) => (isJsonObject(choice) ? choice["message"] : undefined)),
          1,
        );
      }),
  };
}

type Contents = (body: Readonly<Record<string, unknown>>) => readonly string[];

/* The actions have no names on the wire: a body that is an object masks, one that is text rejects, none passes. */
function toAction(answer: unknown, contents: Contents): WebhookAction {
  const action = isJsonObject(answer) ? answer["action"] : undefined;
  if (!isJsonObject(action)) throw new Error("the answer has no action");
  const { body } = action;
  if (isJsonObject(body)) return { action: "mask", contents: contents(body) };
  if (typeof body === "string") return { action: "reject", message: body.slice(0, LONGEST_MESSAGE) };
  if (body !== undefined && body !== null) throw new Error("the body of the action is neither an object nor text");
  return { action: "pass" };
}

/* Texts go back to where they came from by their place alone. */
function contentsOf(messages: unknown, count: number): readonly string[] {
  if (!Array.isArray(messages) || messages.length !== count)
    throw new Error(`the masked body has not ${count} messages, as it was sent`);
  return messages.map((message: unknown) => {
    const content = isJsonObject(message) ? message["content"] : undefined;
    if (typeof content !== "string") throw new Error("a masked message has no content");
    return content;
  });
}
