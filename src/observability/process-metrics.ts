import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Registry } from "prom-client";
import { Gauge } from "prom-client";

const NANO = 1e9;

/** What the process itself uses, read when metrics are. The result stops the watching. */
export function registerProcessMetrics(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let utilization = performance.eventLoopUtilization();

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `sallyport_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge("process_cpu_seconds", "CPU time used since the start", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
  gauge("process_heap_used_bytes", "JavaScript heap in use", () => process.memoryUsage().heapUsed);
  gauge(
    "process_external_memory_bytes",
    "Memory of buffers and of libraries outside the heap",
    () => process.memoryUsage().external,
  );
  gauge("process_uptime_seconds", "Time since the start", () => process.uptime());
  gauge(
    "process_active_resources",
    "Open sockets, files, timers and the like",
    () => process.getActiveResourcesInfo().length,
  );
  gauge(
    "event_loop_utilization_ratio",
    "Share of the time since the last reading in which the event loop was busy",
    () => {
      const now = performance.eventLoopUtilization();
      const share = performance.eventLoopUtilization(now, utilization).utilization;
      utilization = now;
      return share;
    },
  );
  gauge("event_loop_delay_p99_seconds", "Delay of the event loop since the last reading, 99th percentile", () => {
    // Nothing has been measured in the first moments.
    const seconds = delay.count === 0 ? 0 : delay.percentile(99) / NANO;
    delay.reset();
    return seconds;
  });
  return () => {
    delay.disable();
  };
}
