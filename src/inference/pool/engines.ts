/** What is read of a model server's metrics. */
export type Reading = "queued" | "running" | "kvUsage" | "adapters" | "startedAt";

/** A series that is read. Several may give the same reading: names have changed over the years, and every data-parallel rank has its own. */
export interface WantedMetric {
  readonly name: string;
  /** Only series with this label, as it is written, such as `request_type="waiting"`. */
  readonly label?: string;
  readonly reading: Reading;
}

export interface Engine {
  /** Where its servers tell their metrics. */
  readonly metricsPath: string;
  readonly wanted: readonly WantedMetric[];
}

/* Of prometheus_client's process collector. */
const startedAt: WantedMetric = { name: "process_start_time_seconds", reading: "startedAt" };

/** Names after the model server protocol (gateway-api-inference-extension, proposal 003). */
export const engines = {
  vllm: {
    metricsPath: "/metrics",
    wanted: [
      { name: "vllm:num_requests_waiting", reading: "queued" },
      { name: "vllm:num_requests_running", reading: "running" },
      { name: "vllm:kv_cache_usage_perc", reading: "kvUsage" },
      // Until 0.10.
      { name: "vllm:gpu_cache_usage_perc", reading: "kvUsage" },
      { name: "vllm:lora_requests_info", reading: "adapters" },
      startedAt,
    ],
  },
  sglang: {
    metricsPath: "/metrics",
    wanted: [
      { name: "sglang:num_queue_reqs", reading: "queued" },
      { name: "sglang:num_running_reqs", reading: "running" },
      { name: "sglang:token_usage", reading: "kvUsage" },
      startedAt,
    ],
  },
  "tensorrt-llm": {
    metricsPath: "/prometheus/metrics",
    wanted: [
      { name: "trtllm_num_requests_waiting", reading: "queued" },
      { name: "trtllm_num_requests_running", reading: "running" },
      { name: "trtllm_kv_cache_utilization", reading: "kvUsage" },
      // Served by Triton.
      { name: "nv_trt_llm_request_metrics", label: 'request_type="waiting"', reading: "queued" },
      { name: "nv_trt_llm_request_metrics", label: 'request_type="scheduled"', reading: "running" },
      { name: "nv_trt_llm_kv_cache_block_metrics", label: 'kv_cache_block_type="fraction"', reading: "kvUsage" },
      startedAt,
    ],
  },
  // Any other server of the dialect: it tells nothing.
  "openai-compatible": { metricsPath: "", wanted: [] },
} as const satisfies Readonly<Record<string, Engine>>;

export type EngineName = keyof typeof engines;
