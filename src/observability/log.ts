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

function toLog(logger: Logger): Log {
  const write = (level: "debug" | "info" | "warn" | "error") =>
    // An entry that nobody will read must not cost its redaction.
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      if (logger.isLevelEnabled(level)) logger[level](redactFields(fields), redactText(message));
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => toLog(logger.child({ ...redactFields(fields) })),
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
  const stream = format === "pretty" ? { write: (line: string) => void sink.write(toPrettyLine(line)) } : sink;
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
    ...toLog(logger),
    dropped: () => dropped,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(done, CLOSE_TIMEOUT_MS);
        function done(): void {
          clearTimeout(timer);
          resolve();
        }
        sink.flush(done);
      }),
  };
}
