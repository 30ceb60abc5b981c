import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Adapters } from "../../../src/inference/picker/adapters.ts";
import { engines, type EngineName } from "../../../src/inference/pool/engines.ts";
import { MetricsReader } from "../../../src/inference/pool/metrics-reader.ts";

const read = (engine: EngineName, text: string) => new MetricsReader(engines[engine]).read(Buffer.from(text));

const vllm = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="llama \\"3\\" {8b}"} 3.0
vllm:num_requests_running{engine="1",model_name="llama"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="llama"} 1.0
vllm:num_requests_waiting{engine="1",model_name="llama"} 2.0
vllm:num_requests_waiting_by_reason{engine="0"} 100
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:kv_cache_usage_perc{engine="1"} 0.5
vllm:lora_requests_info{max_lora="4",running_lora_adapters="old",waiting_lora_adapters=""} 1.7e9
vllm:lora_requests_info{max_lora="4",running_lora_adapters="a, b",waiting_lora_adapters="c"} 1.8e9
vllm:lora_requests_info{max_lora="4",running_lora_adapters="older",waiting_lora_adapters=""} 1.6e9
process_start_time_seconds 1.76e+09
http_requests_total{path="vllm:num_requests_waiting 99"} 7
`;

describe("metrics of model servers", () => {
  const expected = {
    queued: 3,
    running: 7,
    kvUsage: 0.5,
    adapters: { running: ["a", "b"], waiting: ["c"], max: 4 },
    startedAtS: 1.76e9,
  };

  it("are read of vLLM: sums over its ranks, the fullest cache, the newest series of adapters", () => {
    expect(read("vllm", vllm)).toEqual(expected);
  });

  it("are found again wherever they have moved, and when they were not there before", () => {
    const reader = new MetricsReader(engines.vllm);
    const lines = (count: number) => 'http_requests_total{path="/v1"} 1\n'.repeat(count);
    for (const before of [0, 1, 10, 2_000, 5, 0, 100_000, 3])
      expect(reader.read(Buffer.from(lines(before) + vllm + lines(50)))).toEqual(expected);
    const [, withoutFirst] = vllm.split(/(?=vllm:num_requests_running\{engine="1")/);
    expect(reader.read(Buffer.from(withoutFirst!))).toMatchObject({ running: 4 });
    expect(reader.read(Buffer.from(vllm))).toEqual(expected);
    const later = new MetricsReader(engines.vllm);
    expect(later.read(Buffer.from("vllm:num_requests_waiting 1\n"))).toMatchObject({ running: 0 });
    let page: unknown;
    for (let pages = 0; pages < 32; pages++) page = later.read(Buffer.from(vllm));
    expect(page).toEqual(expected);
  });

  it("tell of other adapters as soon as they change", () => {
    const reader = new MetricsReader(engines.vllm);
    for (const running of ["a", "a", "b", ""]) {
      const page = vllm.replace('running_lora_adapters="a, b"', `running_lora_adapters="${running}"`);
      expect(reader.read(Buffer.from(page))?.adapters).toEqual({
        running: running === "" ? [] : [running],
        waiting: ["c"],
        max: 4,
      });
    }
  });

  it("are read of a page that ends without a line end", () => {
    expect(read("vllm", vllm.trimEnd())).toEqual(expected);
    expect(read("vllm", "vllm:num_requests_waiting 4")).toMatchObject({ queued: 4 });
  });

  it("are read where tabs and several blanks stand between a name, its labels and its value", () => {
    const page = 'vllm:num_requests_waiting\t4\nvllm:num_requests_running \t{engine="0"}\t 3\n';
    expect(read("vllm", page)).toMatchObject({ queued: 4, running: 3 });
  });

  it("are read of 1,024 series of a name at the most, wherever these begin", () => {
    const reader = new MetricsReader(engines.vllm);
    const series = "vllm:num_requests_waiting 1\n";
    for (const before of ["", "a 1\n", "a 1\n".repeat(100), ""])
      expect(reader.read(Buffer.from(before + series.repeat(2_000)))).toMatchObject({ queued: 1_024 });
    expect(reader.read(Buffer.from(series.repeat(1_024)))).toMatchObject({ queued: 1_024 });
  });

  const loraPage = (running: string) =>
    `vllm:num_requests_waiting 1\nvllm:lora_requests_info{running_lora_adapters="${running}",max_lora="1024"} 1\n`;

  it("leave out adapters whose names or labels are too long to be anybody's", () => {
    const name = "n".repeat(256);
    expect(read("vllm", loraPage(`${name},x${name},ä`))?.adapters?.running).toEqual([name, "ä"]);
    expect(read("vllm", loraPage(`a,${" ".repeat(70_000)}`))).toEqual({
      queued: 1,
      running: 0,
      kvUsage: 0,
      startedAtS: undefined,
    });
  });

  it("leave behind no more of a page than the names of its adapters", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const reader = new MetricsReader(engines.vllm);
    const adapters = new Adapters();
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = used();
    for (let page = 0; page < 500; page++) {
      const { running, waiting, max } = reader.read(
        Buffer.from(loraPage(`an-adapter-with-a-long-name-${page},${" ".repeat(60_000)}`)),
      )!.adapters!;
      adapters.report(running, waiting, max);
    }
    expect(used() - before).toBeLessThan(5_000_000);
    expect(adapters.state("an-adapter-with-a-long-name-0")).toBe(3);
  });

  it("are read under the name that vLLM had for its cache before 0.11", () => {
    const text = "vllm:num_requests_running 1\nvllm:num_requests_waiting 0\nvllm:gpu_cache_usage_perc 0.75\n";
    expect(read("vllm", text)).toMatchObject({ queued: 0, running: 1, kvUsage: 0.75 });
  });

  it("are read of SGLang", () => {
    const text =
      'sglang:num_running_reqs{model_name="m"} 2\nsglang:num_queue_reqs{model_name="m"} 5\nsglang:token_usage{model_name="m"} 0.3\n';
    expect(read("sglang", text)).toMatchObject({ queued: 5, running: 2, kvUsage: 0.3 });
  });

  it("are read of TensorRT-LLM, by itself and behind Triton", () => {
    const own = "trtllm_num_requests_waiting 6\ntrtllm_num_requests_running 2\ntrtllm_kv_cache_utilization 0.4\n";
    expect(read("tensorrt-llm", own)).toMatchObject({ queued: 6, running: 2, kvUsage: 0.4 });
    const triton = `nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"} 6
nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"} 2
nv_trt_llm_request_metrics{model="m",request_type="max",version="1"} 512
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="m"} 100
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="m"} 0.4
`;
    expect(read("tensorrt-llm", triton)).toMatchObject({ queued: 6, running: 2, kvUsage: 0.4 });
  });

  it.each([
    ["nothing", ""],
    ["another engine's", "sglang:num_queue_reqs 1\n"],
    ["a page", "<html>vllm:num_requests_waiting 3</html>"],
    ["no numbers", "vllm:num_requests_waiting NaN\nvllm:num_requests_running many\n"],
    ["a label that never ends", 'vllm:num_requests_waiting{model="x\n'],
  ])("are not there in %s", (_, text) => {
    expect(read("vllm", text)).toBeUndefined();
  });
});
