import { z } from "zod";
import { callPrice } from "../budgets/prices/prices.ts";
import { credentialHeaders, headerSecret } from "../core/header-words.ts";
import { durationMs, sizeBytes } from "../core/units.ts";
import { reach } from "../http/reach.ts";

const httpUrl = () =>
  z
    .url({ protocol: /^https?$/, error: "an http or https address such as http://writer:9002" })
    .refine(
      (text) => URL.canParse(text) && new URL(text).username === "" && new URL(text).hash === "",
      "an address without user name and fragment",
    );

const credentials = z
  .union(
    [
      z.strictObject({
        bearer: headerSecret().meta({
          description: "Sent as `Authorization: Bearer …`.",
          examples: ["${env:WRITER_TOKEN}"],
        }),
      }),
      z.strictObject({
        headers: credentialHeaders().meta({
          description: "Headers sent with every call.",
          examples: [{ "x-api-key": "${env:WRITER_KEY}" }],
        }),
      }),
    ],
    { error: "either {bearer: …} or {headers: {name: value}}" },
  )
  .meta({ description: "What the gateway shows this agent. The caller's own credential is never sent." });

const agent = z.strictObject({
  url: httpUrl().meta({
    description:
      "Where the agent is. With a path, JSON-RPC is posted exactly there; without one, to the path the agent's card names, on this host.",
    examples: ["http://writer:9002"],
  }),
  reach,
  card: z
    .string()
    .refine(
      (text) => text.startsWith("/") || /^https?:\/\//.test(text),
      "a path such as /.well-known/agent-card.json, or a whole address",
    )
    .optional()
    .meta({
      description: "Where its card is, when not at the well-known place under `url`.",
      examples: ["/.well-known/agent-card.json?assistant_id=writer"],
    }),
  credentials: credentials.optional(),
  client: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        "The OAuth client id this agent uses when it calls back through the gateway. Only such an agent is handed an actor token.",
      examples: ["researcher"],
    }),
  price: callPrice()
    .optional()
    .meta({ description: "What a message to it costs, for budgets and reports.", examples: ["$0.05"] }),
  versions: z
    .array(z.enum(["1.0", "0.3"]))
    .min(1)
    .optional()
    .meta({
      description: "A2A versions it speaks over JSON-RPC, when its card does not tell.",
      examples: [["1.0", "0.3"]],
    }),
  tenant: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "The tenant that calls of it are counted for where the caller's credential names none.",
      examples: ["team-a"],
    }),
  timeout: durationMs()
    .default(300_000)
    .meta({
      description: "Longest wait for the head of an answer; a blocking send may take as long as its task.",
      examples: ["5m"],
    }),
});

/** The `a2a` part of the configuration. */
export const a2aConfig = {
  a2a: z
    .strictObject({
      agents: z
        .record(
          z
            .string()
            .regex(
              /^(?:[A-Za-z0-9][A-Za-z0-9_-]{0,62}|[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252})$/,
              "a name of letters, digits, - and _, at most 63 long, or NAMESPACE/NAME as Kubernetes has them",
            ),
          agent,
        )
        .meta({
          description: "Agents by name; each is served at /a2a/NAME.",
          examples: [{ writer: { url: "http://writer:9002" } }],
        }),
      cards: z
        .enum(["public", "authenticated"])
        .default("public")
        .meta({
          description:
            "`public`: anyone who knows an agent's name may read its card. `authenticated`: only a caller who may use the agent, anyone else gets 404.",
          examples: ["authenticated"],
        }),
      cardTtl: durationMs()
        .default(60_000)
        .meta({ description: "How long an agent's card is used before it is fetched again.", examples: ["60s"] }),
      remember: durationMs()
        .default(2_592_000_000)
        .meta({
          description: "How long the owner of a task or context is remembered after it was last seen.",
          examples: ["30d"],
        }),
      keepAlive: durationMs()
        .default(15_000)
        .meta({
          description: "Silence in a stream after which a comment is sent, so that nothing between closes it.",
          examples: ["15s"],
        }),
      answerLimit: sizeBytes()
        .default(16_777_216)
        .meta({ description: "Largest whole answer of an agent.", examples: ["16MiB"] }),
      eventLimit: sizeBytes()
        .default(4_194_304)
        .meta({ description: "Largest event of a stream.", examples: ["4MiB"] }),
    })
    .optional()
    .meta({ description: "Agents behind the gateway (A2A 1.0 and 0.3 over JSON-RPC)." }),
};

export type A2aConfig = NonNullable<z.output<typeof a2aConfig.a2a>>;
export type AgentConfig = A2aConfig["agents"][string];
