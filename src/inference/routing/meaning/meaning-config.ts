import { z } from "zod";
import type { Meanings } from "../../../cel/vet.ts";
import type { ConfigPath, ConfigProblem } from "../../../core/config-problem.ts";
import { keyedUnion } from "../../../core/keyed-union.ts";
import { nearest } from "../../../core/nearest.ts";
import { durationMs, secret } from "../../../core/units.ts";
import { embedderConfig } from "../../embedders/registry.ts";

const label = z
  .string()
  .regex(/^[A-Za-z0-9][\w .-]{0,62}$/, "a label of letters, digits, spaces, `.`, `-` and `_`, at most 63 long");

const timeout = (usual: string) =>
  durationMs()
    .refine((ms) => ms > 0, "more than nothing")
    .prefault(usual)
    .meta({ description: "Longest wait for an answer. Then rules that ask for it do not hold.", examples: ["300ms"] });

const behindUrl = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: "an http or https address" })
      .refine((text) => !URL.canParse(text) || new URL(text).username === "", "no user in it: write `key`")
      .meta({ description: "Where a text is posted to, as JSON.", examples: ["http://classifier:8080/predict"] }),
    key: secret()
      .optional()
      .meta({ description: "Sent as a bearer token.", examples: ["${env:CLASSIFIER_KEY}"] }),
    field: z
      .string()
      .min(1)
      .max(64)
      .default("text")
      .meta({ description: "The member that the text is sent in.", examples: ["inputs"] }),
    send: z
      .record(z.string(), z.json())
      .optional()
      .meta({ description: "What is sent beside it.", examples: [{ model: "topic-classifier" }] }),
    labels: z
      .array(label)
      .min(2)
      .max(64)
      .optional()
      .meta({
        description: "What it may answer, so that rules which ask for another are refused at load.",
        examples: [["code", "law"]],
      }),
    timeout: timeout("500ms"),
  })
  .meta({ description: "A classifier behind an address of its own." });

const byModel = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .meta({
        description: "An entry of `models` that is asked for a label. The caller is charged.",
        examples: ["llama"],
      }),
    labels: z
      .record(label, z.string().min(1).max(500))
      .refine((labels) => Object.keys(labels).length >= 2, "two labels at least")
      .refine((labels) => Object.keys(labels).length <= 64, "64 labels at most")
      .meta({
        description: "What it may answer, and what each means.",
        examples: [{ code: "asks to write or mend a program", other: "anything else" }],
      }),
    timeout: timeout("3s"),
  })
  .meta({ description: "A model that is asked for a label." });

const classifier = keyedUnion(
  { url: behindUrl, model: byModel },
  () => "a classifier has a `url`, or a `model` of `models`",
);

export const routingConfig = {
  routing: z
    .strictObject({
      examples: z
        .record(label, z.array(z.string().min(1).max(4_000)).min(1).max(100))
        .refine((labels) => Object.keys(labels).length <= 64, "64 labels at most")
        .optional()
        .meta({
          description: "Texts by label, for `llm.similarity`.",
          examples: [{ law: ["Is this clause enforceable?", "What does the statute say about subletting?"] }],
        }),
      embedder: embedderConfig.default("lexical").meta({
        description:
          "What compares a call with the examples. `lexical` needs no model: words, their stems and their letters.",
        examples: ["lexical", { model: "minilm" }],
      }),
      classifiers: z
        .record(label, classifier)
        .refine((classifiers) => Object.keys(classifiers).length <= 16, "16 classifiers at most")
        .optional()
        .meta({
          description: "What rules may ask with `llm.class` and `llm.classScore`, by name.",
          examples: [{ topic: { url: "http://classifier:8080/predict" } }],
        }),
    })
    .optional()
    .meta({
      description: "What rules of virtual models may ask about the meaning of a call.",
      examples: [{ examples: { law: ["Is this clause enforceable?"], chat: ["How are you?"] } }],
    }),
};

export type RoutingConfig = NonNullable<z.output<typeof routingConfig.routing>>;
export type ClassifierConfig = z.output<typeof classifier>;
export type UrlClassifierConfig = z.output<typeof behindUrl>;
export type ModelClassifierConfig = z.output<typeof byModel>;

/** What rules may ask. */
export function toMeanings({ examples = {}, classifiers = {} }: Partial<RoutingConfig> = {}): Meanings {
  const labels = Object.entries(classifiers).map(
    ([name, { labels: known }]): [string, readonly string[] | undefined] => [
      name,
      Array.isArray(known) ? known : known && Object.keys(known),
    ],
  );
  return { examples: Object.keys(examples), classifiers: Object.fromEntries(labels) };
}

/** Embedders and classifiers that are models which nobody serves. `served`: the names of those that somebody does. */
export function findMissingModels(routing: RoutingConfig | undefined, served: readonly string[]): ConfigProblem[] {
  const check = (name: string, path: ConfigPath): readonly ConfigProblem[] => {
    if (served.includes(name)) return [];
    const near = nearest(name, served);
    const message = `no entry of \`models\` that a provider or a pool serves${near === undefined ? "" : `; did you mean ${near}?`}`;
    return [{ path, message }];
  };
  const { embedder = "lexical", classifiers = {} } = routing ?? {};
  return [
    ...(embedder === "lexical" ? [] : check(embedder.model, ["routing", "embedder", "model"])),
    ...Object.entries(classifiers).flatMap(([name, entry]) =>
      "model" in entry ? check(entry.model, ["routing", "classifiers", name, "model"]) : [],
    ),
  ];
}
