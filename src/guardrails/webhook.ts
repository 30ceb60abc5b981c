import { z } from "zod";
import { GatewayError } from "../core/errors.ts";
import type { TextRole, TextSlot } from "../core/text.ts";
import { durationMs, secret } from "../core/units.ts";
import { reach } from "../http/reach.ts";
import { defineGuard, pass, type GuardRequest, type Verdict } from "./guard.ts";
import { WebhookOutput } from "./webhook-output.ts";
import { createWebhookClient, type WebhookMessage } from "./webhook-client.ts";

/* The roles that a chat has: a guard on the other end was made for one. */
const roles: Readonly<Record<TextRole, string>> = {
  system: "system",
  user: "user",
  assistant: "assistant",
  "tool-input": "assistant",
  "tool-output": "tool",
};

/** A text as an external guard is shown it. */
export const toWebhookMessage = ({ role, text }: TextSlot): WebhookMessage => ({ role: roles[role], content: text });

export const webhook = defineGuard({
  type: "webhook",
  description:
    "Asks a guard of yours over HTTP (the webhook contract of kgateway and agentgateway), which passes, masks or rejects.",
  options: {
    url: z
      .url({ protocol: /^https?$/, error: "an http or https address such as http://guard:8000" })
      .meta({ description: "Its address: `/request` and `/response` are added.", examples: ["http://guard:8000"] }),
    key: secret().optional().meta({ description: "Sent to it as a bearer token. Nothing of the caller's is." }),
    reach,
    direction: z
      .enum(["input", "output", "both"])
      .default("input")
      .meta({
        description: "Whether it is asked about requests, answers or both; answers are held back until they are whole.",
        examples: ["both"],
      }),
    timeout: durationMs()
      .default(10_000)
      .meta({ description: "For each whole call.", examples: ["2s"] }),
    onFailure: z
      .enum(["closed", "open"])
      .default("closed")
      .meta({
        description: "What becomes of a text when no answer comes: refused, or, `open`, passed on unchecked.",
        examples: ["open"],
      }),
    message: z
      .string()
      .min(1)
      .default("Rejected: this could not be checked.")
      .meta({ description: "What the caller is told when no answer comes and it is closed." }),
  },
  create({ url, key, reach: howFar, direction, timeout, onFailure, message }, { upstream, breaker, log }) {
    const base = url.replace(/\/+$/, "");
    const client = createWebhookClient({
      url: base,
      key,
      reach: howFar,
      timeoutMs: timeout,
      upstream,
      breaker: breaker(`guard ${base}`),
    });

    /* Without an answer: nothing where it is open. */
    function failed(thrown: unknown, { signal }: Pick<GuardRequest, "signal">): string | undefined {
      if (signal.aborted) throw signal.reason;
      log.warn({ guard: base, error: thrown, onFailure }, "an external guard gave no answer");
      return onFailure === "open" ? undefined : message;
    }

    async function input(request: GuardRequest): Promise<Verdict> {
      const slots = [...request.slots.entries()].filter(([, { text }]) => text !== "");
      if (slots.length === 0) return pass;
      try {
        const messages = slots.map(([, slot]) => toWebhookMessage(slot));
        const asked = await client.request(messages, request.signal);
        if (asked.action === "reject") return { pass: false, guard: "webhook", message: asked.message };
        if (asked.action === "pass") return pass;
        return {
          pass: true,
          texts: new Map(slots.map(([index], at) => [index, checked(request.slots[index], asked.contents[at])])),
        };
      } catch (thrown) {
        const told = failed(thrown, request);
        return told === undefined ? pass : { pass: false, guard: "webhook", message: told };
      }
    }

    return {
      ...(direction !== "output" && { input }),
      ...(direction !== "input" && {
        output: (request) =>
          new WebhookOutput(async (slot) => {
            try {
              const asked = await client.response(toWebhookMessage(slot), request.signal);
              if (asked.action === "pass") return slot.text;
              if (asked.action === "mask") return checked(slot, asked.contents[0]);
              throw new GatewayError("denied", asked.message);
            } catch (thrown) {
              if (thrown instanceof GatewayError && thrown.kind === "denied") throw thrown;
              const told = failed(thrown, request);
              if (told !== undefined) throw new GatewayError("denied", told, { cause: thrown });
              return slot.text;
            }
          }),
      }),
    };
  },
});

/* Of a text that is JSON only JSON can take the place. */
function checked(slot: TextSlot | undefined, content = ""): string {
  if (slot?.json === true) JSON.parse(content);
  return content;
}
