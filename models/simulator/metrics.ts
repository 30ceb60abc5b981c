import type { Engine } from "./engine.ts";
import { BLOCK_SIZE } from "./engine.ts";

/* Upper bounds in seconds, as vLLM exports them. */
const FIRST_TOKEN_BUCKETS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const BETWEEN_TOKENS_BUCKETS = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const REQUEST_BUCKETS = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

export type FinishReason = "stop" | "length" | "tool_calls" | "abort";

export interface Metrics {
  prompt(tokens: number): void;
  firstToken(seconds: number): void;
  nextToken(seconds: number): void;
  finished(reason: FinishReason, seconds: number): void;
  generated(tokens: number): void;
  /** Prometheus text exposition format 0.0.4, with the names of vLLM 0.11. */
  render(): string;
}

export function createMetrics(model: string, { accelerator }: Engine): Metrics {
  const label = `model_name="${model.replace(/[\\"\n]/g, "_")}"`;
  const firstToken = createHistogram(
    "vllm:time_to_first_token_seconds",
    "Time to the first token.",
    FIRST_TOKEN_BUCKETS,
    label,
  );
  const betweenTokens = createHistogram(
    "vllm:inter_token_latency_seconds",
    "Time between tokens.",
    BETWEEN_TOKENS_BUCKETS,
    label,
  );
  const request = createHistogram(
    "vllm:e2e_request_latency_seconds",
    "Time of a whole request.",
    REQUEST_BUCKETS,
    label,
  );
  const success = new Map<FinishReason, number>();
  let promptTokens = 0;
  let generationTokens = 0;

  const single = (name: string, type: string, help: string, value: number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name}{${label}} ${value}`,
  ];

  return {
    prompt(tokens) {
      promptTokens += tokens;
    },
    generated(tokens) {
      generationTokens += tokens;
    },
    firstToken: firstToken.observe,
    nextToken: betweenTokens.observe,
    finished(reason, seconds) {
      success.set(reason, (success.get(reason) ?? 0) + 1);
      request.observe(seconds);
    },
    render: () =>
      [
        ...single("vllm:num_requests_running", "gauge", "Requests in execution batches.", accelerator.running),
        ...single("vllm:num_requests_waiting", "gauge", "Requests waiting to be processed.", accelerator.waiting),
        ...single(
          "vllm:kv_cache_usage_perc",
          "gauge",
          "Share of the key-value cache in use; 1 is all of it.",
          accelerator.cache.usage,
        ),
        "# HELP vllm:cache_config_info Information of the cache configuration.",
        "# TYPE vllm:cache_config_info gauge",
        `vllm:cache_config_info{block_size="${BLOCK_SIZE}",num_gpu_blocks="${accelerator.cache.blocks}",${label}} 1`,
        ...single(
          "vllm:prefix_cache_queries_total",
          "counter",
          "Prompt tokens that were looked for in the prefix cache.",
          accelerator.prompts.cached + accelerator.prompts.computed,
        ),
        ...single(
          "vllm:prefix_cache_hits_total",
          "counter",
          "Prompt tokens that were found in the prefix cache.",
          accelerator.prompts.cached,
        ),
        "# HELP vllm:lora_requests_info LoRA adapters of the requests that run and that wait; the value is the time.",
        "# TYPE vllm:lora_requests_info gauge",
        `vllm:lora_requests_info{max_lora="${accelerator.adapters.max}",running_lora_adapters="${accelerator.adapters.running.join(",")}",waiting_lora_adapters="${accelerator.waitingAdapters.join(",")}"} ${Date.now() / 1_000}`,
        ...single("vllm:prompt_tokens_total", "counter", "Prefill tokens processed.", promptTokens),
        ...single("vllm:generation_tokens_total", "counter", "Generation tokens processed.", generationTokens),
        "# HELP vllm:request_success_total Requests that ended, by reason.",
        "# TYPE vllm:request_success_total counter",
        ...[...success].map(
          ([reason, count]) => `vllm:request_success_total{finished_reason="${reason}",${label}} ${count}`,
        ),
        ...firstToken.render(),
        ...betweenTokens.render(),
        ...request.render(),
        "",
      ].join("\n"),
  };
}

function createHistogram(name: string, help: string, bounds: readonly number[], label: string) {
  const counts = bounds.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    observe(value: number) {
      count++;
      sum += value;
      const bucket = bounds.findIndex((bound) => value <= bound);
      if (bucket !== -1) counts[bucket] = (counts[bucket] ?? 0) + 1;
    },
    render() {
      let below = 0;
      const buckets = bounds.map(
        (bound, index) => `${name}_bucket{le="${bound}",${label}} ${(below += counts[index] ?? 0)}`,
      );
      return [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} histogram`,
        ...buckets,
        `${name}_bucket{le="+Inf",${label}} ${count}`,
        `${name}_sum{${label}} ${sum}`,
        `${name}_count{${label}} ${count}`,
      ];
    },
  };
}
