import type { Logger } from "pino";
import { pino } from "pino";
import type { Log } from "../core/log.ts";
import type { LogConfig } from "./config.ts";
import { redactFields, redactText } from "./redact.ts";
import { toPrettyLine } from "./pretty-line.ts";

/** Lines waiting for a reader that is slow or gone; beyond it they are dropped and counted. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 1_000;

export interface RootLog extends Log {
  /** Lines lost so far because standard output did not take them. */
  dropped(): number;
  /** Writes what waits, for at most a second. */
  close(): Promise<void>;
}

export interface LogDeps {
  /** A file descriptor or a path; standard output when absent. */
  readonly destination?: number | string;
}

/** `bound` has been redacted; it is merged here since pino trips over bindings named like a method of Object. */
function toLog(logger: Logger, bound: Readonly<Record<string, unknown>>): Log {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      // An entry that nobody will read must not cost its redaction.
      if (logger.isLevelEnabled(level)) logger[level]({ ...bound, ...redactFields(fields) }, redactText(message));
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => toLog(logger, { ...bound, ...redactFields(fields) }),
  };
}

/** The log of a process: one JSON object a line, written behind the event loop's back. A slow reader never holds up traffic. */
export function createLog({ level, format }: LogConfig, { destination = 1 }: LogDeps = {}): RootLog {
  const sink = pino.destination({ dest: destination, sync: false, maxLength: MAX_WAITING_BYTES });
  let dropped = 0;
  sink.on("drop", () => {
    dropped += 1;
  });
  // The reader has gone (EPIPE). There is nobody left to tell, and traffic must go on.
  sink.on("error", () => {});
  let closed = false;
  const stream = {
    write(line: string): void {
      if (!closed) sink.write(format === "pretty" ? toPrettyLine(line) : line);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "message",
      // Everything is plain data by then, and errors have been taken apart.
      serializers: {},
    },
    stream,
  );
  return {
    ...toLog(logger, {}),
    dropped: () => dropped,
    async close() {
      if (closed) return;
      closed = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      sink.once("close", resolve);
      sink.end();
      await promise;
      clearTimeout(timer);
    },
  };
}
