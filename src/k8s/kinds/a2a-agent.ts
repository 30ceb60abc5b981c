import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import {
  addressRules,
  credentialRules,
  credentials,
  dollarText,
  durationText,
  httpUrl,
  SALLYPORT_GROUP,
  serviceRef,
} from "./own-words.ts";

const spec = z.strictObject({
  url: httpUrl.optional().meta({
    description:
      "Where the agent is. With a path, JSON-RPC is posted exactly there; without one, to the path the agent's card names, on this host.",
  }),
  service: serviceRef.optional(),
  card: z
    .string()
    .max(2_048)
    .regex(/^(\/|https?:\/\/)[^\s]*$/, "a path such as /.well-known/agent-card.json, or a whole address")
    .optional()
    .meta({ description: "Where its card is, when not at the well-known place." }),
  credentials: credentials.optional(),
  client: z.string().min(1).max(256).optional().meta({
    description:
      "The OAuth client id this agent uses when it calls back through the gateway. Only such an agent is handed an actor token.",
  }),
  price: dollarText.optional().meta({ description: "What a message to it costs." }),
  versions: z
    .array(z.enum(["1.0", "0.3"]))
    .min(1)
    .max(2)
    .optional()
    .meta({ description: "A2A versions it speaks over JSON-RPC, when its card does not tell." }),
  timeout: durationText.default("5m").meta({
    description: "Longest wait for the head of an answer; a blocking send may take as long as its task.",
  }),
});
export type A2aAgentSpec = z.output<typeof spec>;

/** An entry of `a2a.agents`, served at /a2a/NAMESPACE/NAME. */
export const a2aAgent = defineKind<A2aAgentSpec>({
  group: SALLYPORT_GROUP,
  kind: "A2AAgent",
  plural: "a2aagents",
  versions: ["v1alpha1"],
  own: {
    description: "An agent behind the gateway (A2A), served at /a2a/NAMESPACE/NAME.",
    shortNames: ["a2a"],
    columns: [
      { name: "URL", jsonPath: ".spec.url" },
      { name: "Service", jsonPath: ".spec.service.name" },
    ],
    served: true,
  },
  schema: spec,
  rules: [
    ...addressRules,
    ...credentialRules,
    {
      path: "spec.credentials",
      message: "give either bearer or headers",
      rule: "has(self.bearer) != has(self.headers)",
    },
  ],
});
