import { z } from "zod";
import { durationMs } from "../../core/units.ts";

const count = (fallback: number, description: string) =>
  z
    .int()
    .min(2)
    .max(1_000)
    .default(fallback)
    .meta({ description, examples: [fallback] });

const duration = (fallback: string, leastMs: number, mostMs: number, description: string) =>
  durationMs()
    .pipe(z.number().min(leastMs).max(mostMs))
    .prefault(fallback)
    .meta({ description, examples: [fallback] });

const HOUR_MS = 3_600_000;

/** `runaway:` in the config file. */
export const runawayConfig = {
  runaway: z
    .strictObject({
      action: z
        .enum(["off", "warn", "slow", "stop"])
        .default("warn")
        .meta({
          description:
            "What happens to a call that looks like one of a runaway: `warn` says so in a header, the journal and a metric; `slow` also makes it wait; `stop` warns from four fifths of a limit on and then refuses it for a while.",
          examples: ["stop"],
        }),
      window: duration("10m", 1_000, 24 * HOUR_MS, "How long a call counts."),
      same: z
        .strictObject({
          run: count(10, "Most equal calls in one chain or run within the window."),
          principal: count(40, "Most equal calls of one principal within the window."),
        })
        .prefault({})
        .meta({
          description: "The same tool, agent or model with the same arguments, message or prompt.",
          examples: [{ run: 10, principal: 40 }],
        }),
      similar: count(
        20,
        "Most prompts within the window that are nearly the same, in one run, or of one principal outside of runs.",
      ),
      failures: count(8, "Most failures of the same call one after the other."),
      spend: z
        .number()
        .min(2)
        .max(1_000)
        .default(10)
        .meta({
          description:
            "How many times its usual amount a principal may spend within the window, from six windows of use and a dollar on.",
          examples: [10],
        }),
      polling: duration(
        "1s",
        0,
        HOUR_MS,
        "A pause that makes an equal call of a tool that is marked read-only or idempotent an honest poll, which does not count.",
      ),
      lift: duration(
        "1m",
        1_000,
        HOUR_MS,
        "How long a stop lasts. Each that follows lasts twice as long, up to an hour.",
      ),
      delay: duration("5s", 10, 60_000, "The longest wait of `slow`; it begins at 100 ms and doubles with each call."),
      except: z
        .array(z.string().min(1))
        .default([])
        .meta({
          description:
            "What is not watched for equal calls: models and agents by name, tools as SERVER/TOOL; a `*` at the end stands for anything.",
          examples: [["ci/build_status", "clock/*"]],
        }),
    })
    .prefault({})
    .meta({
      description:
        "Agents that do the same again and again, fail again and again, or suddenly spend far more than usual.",
      examples: [{ action: "stop", same: { run: 10 }, except: ["ci/build_status"] }],
    }),
};

export type RunawayConfig = z.output<typeof runawayConfig.runaway>;
