import { GatewayError } from "../../../core/errors.ts";
import type { Operation, Price } from "../../../core/operation.ts";
import type { Operate } from "../../../core/step.ts";
import type { Upstream } from "../../../http/upstream.ts";
import { withinLimit } from "../../relay/answer-limit.ts";
import type { Classify } from "./classifier.ts";
import type { UrlClassifierConfig } from "./meaning-config.ts";
import { readScores } from "./read-scores.ts";

const LIMIT_BYTES = 262_144;

/* Said so: under a budget of dollars, what has no price may be refused. */
const free: Price = { perInputToken: 0, perOutputToken: 0 };

export interface UrlClassifierDeps {
  readonly operate: Operate;
  readonly upstream: Upstream;
}

/** A classifier behind an address: an operation of the gateway's own, recorded, with a breaker, that costs nothing. */
export function createUrlClassifier(
  name: string,
  config: UrlClassifierConfig,
  { operate, upstream }: UrlClassifierDeps,
): Classify {
  const url = new URL(config.url);
  const { key, field, send, timeout } = config;
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  const purpose = `a class from ${name}`;
  const candidate = { name, upstream: `classifier ${name} ${config.url}`, price: free };
  const operation: Operation = {
    protocol: "llm",
    method: "classify",
    direction: "to-target",
    mode: "call",
    target: { kind: "model", name, server: "classifier" },
    judged: false,
    own: purpose,
    variables: {},
  };

  return (text, { exchange, signal }) =>
    operate(
      exchange,
      operation,
      {
        plan(context) {
          context.notes = [`the gateway's own call: ${purpose}`];
          return [candidate];
        },
        relay: (context) =>
          withinLimit(context, timeout, async (until) => {
            const response = await upstream.request({
              url,
              trust: "configured",
              method: "POST",
              headers,
              body: Buffer.from(JSON.stringify({ ...send, [field]: text })),
              signal: until,
              headersTimeoutMs: timeout,
              idleTimeoutMs: timeout,
            });
            context.upstreamStatus = response.status;
            if (response.status !== 200) {
              response.discard();
              throw new GatewayError(
                "upstream_unavailable",
                `The classifier ${name} answered with status ${response.status}.`,
              );
            }
            const scores = readScores(parse(await response.bytes(LIMIT_BYTES)));
            if (scores === undefined)
              throw new GatewayError("upstream_invalid", `The classifier ${name} answered with no label.`);
            return scores;
          }),
        failure: () => ({ reason: "server_error", health: "sick", load: true }),
      },
      signal,
    );
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new GatewayError("upstream_invalid", "The classifier's answer is not valid JSON.", { cause });
  }
}
