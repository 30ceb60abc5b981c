import { GatewayError } from "../core/errors.ts";
import { lexical } from "../inference/embedders/lexical.ts";
import { toUnit } from "../inference/embedders/embedder.ts";
import { readEmbedding, sentenceThreshold } from "../inference/embedders/model.ts";
import { evaluatePairs, parsePairs, type PairsReport } from "../inference/cache/evaluate-pairs.ts";
import { sentenceGuards } from "../inference/cache/guards/registry.ts";
import { defineCommand } from "./command.ts";
import { readText } from "./read-text.ts";

const TIMEOUT_MS = 30_000;

export const cacheEvalCommand = defineCommand({
  usage: "FILE [--embeddings URL --model NAME] [--json]",
  args: [1, 1],
  options: {
    embeddings: {
      type: "string",
      value: "URL",
      description:
        "base address of a server with /embeddings, such as http://127.0.0.1:8080/v1; else the lexical embedder",
    },
    model: { type: "string", value: "NAME", description: "the model to ask for there" },
    json: { type: "boolean", description: "prints the report as JSON" },
  },
  async run({ args: [file = ""], options: { embeddings, model = "", json }, out, err }) {
    const pairs = parsePairs(readText(file));
    if (pairs.length === 0) {
      err(`sallyport: ${file} has no pairs: write lines such as {"asked": "…", "stored": "…", "same": true}`);
      return 1;
    }
    const embedder = embeddings === undefined ? lexical : { threshold: sentenceThreshold, guards: sentenceGuards };
    const embed = embeddings === undefined ? lexical.embed : (text: string) => ask(embeddings, model, text);
    const report = await evaluatePairs(pairs, embedder, embed);
    out(json ? JSON.stringify(report) : draw(report, embedder.threshold));
    return 0;
  },
});

async function ask(base: string, model: string, input: string): Promise<Float32Array> {
  const response = await fetch(`${base.replace(/\/+$/, "")}/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, input, encoding_format: "float" }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new GatewayError("upstream_unavailable", `${base} cannot be asked for embeddings: is the server there?`, {
      cause,
    });
  });
  if (!response.ok) throw new GatewayError("upstream_unavailable", `${base} answered with status ${response.status}.`);
  const { data } = (await response.json()) as { readonly data?: unknown };
  return toUnit(readEmbedding(data, model));
}

function draw({ same, different, rows }: PairsReport, own: number): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`.padStart(8);
  return [
    `${same} paraphrases, ${different} near-misses`,
    "threshold     found     wrong   without guards: found, wrong",
    ...rows.map(
      ({ threshold, found, wrong, bareFound, bareWrong }) =>
        `${threshold.toFixed(2)}${threshold === own ? " *" : "  "}     ${percent(found)}  ${percent(wrong)}         ${percent(bareFound)}  ${percent(bareWrong)}`,
    ),
    "* the embedder's own",
  ].join("\n");
}
