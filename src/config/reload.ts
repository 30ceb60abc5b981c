import { resolve } from "node:path";
import { formatConfigPath } from "../core/config-problem.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { type Fingerprint, fingerprint, sameFingerprint } from "./fingerprint.ts";
import { type LoadOptions, type ReadConfig, readConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import type { LocatedProblem } from "./yaml-source.ts";

export interface WatchOptions {
  readonly log: Log;
  /**
   * Builds what the new configuration asks for and puts it in place. When it rejects, the former one stays in force. After a
   * GatewayError of a kind that may pass (`spec.retry`) it is called again, with growing delays, until the files change. `unchanged`: it
   * was in force already, and nothing is to be said.
   */
  apply(config: Config): "unchanged" | void | Promise<"unchanged" | void>;
  /** Told why a changed configuration is not in force. The message holds no secret. */
  refused?(error: Error): void;
  /** How often files are looked at; a change is taken up once it has stood still for one interval. Default 500 ms. */
  readonly intervalMs?: number;
}

/** A configuration file and what it refers to, over time. */
export interface ConfigSource {
  /** What the file said when it was opened. */
  readonly config: Config;
  /** Logs what in the file is probably not meant, and starts looking for changes. */
  watch(options: WatchOptions): void;
  /**
   * Takes up what is read now, once it is watched: for a reader that knows of changes by itself. Resolves when it is in force or refused.
   */
  takeUp(): Promise<void>;
  close(): void;
}

/** A failure that may pass by itself, such as a store that is down: the same files are tried again after 2, 4, 8, … looks. */
const LONGEST_WAIT_LOOKS = 128;
const INTERVAL_MS = 500;

const mayPass = (error: unknown): boolean => error instanceof GatewayError && error.spec.retry;

/** The folders and files of policies: read by whoever applies the configuration, so looked at before. */
function policyPaths({ policies, baseDir }: Config): readonly string[] {
  if (policies === "open" || (typeof policies === "object" && !Array.isArray(policies))) return [];
  return [policies].flat().map((path) => resolve(baseDir, path));
}

/** Says each warning that was not told of before, and gives all of them. */
function warn(
  log: Log,
  file: string,
  warnings: readonly LocatedProblem[],
  told: ReadonlySet<string>,
): ReadonlySet<string> {
  const standing = new Set<string>();
  for (const { file: own = file, path, line, message } of warnings) {
    const at = formatConfigPath(path);
    const key = `${own} ${at} ${message}`;
    if (!told.has(key) && !standing.has(key)) log.warn({ file: own, line, at }, message);
    standing.add(key);
  }
  return standing;
}

async function seenBy(read: ReadConfig): Promise<Fingerprint> {
  return read.config === undefined
    ? read.files
    : new Map([...(await fingerprint(policyPaths(read.config))), ...read.files]);
}

/** Where a configuration is read, and what it is called in the log. */
export interface ConfigReader {
  readonly name: string;
  read(): ReadConfig;
}

/** Loads a configuration, a file's or one that is come by in another way, and keeps an eye on it. Rejects with an error that lists every problem. */
export async function openConfig(from: string | ConfigReader, options: LoadOptions = {}): Promise<ConfigSource> {
  const { name: file, read: readAgain }: ConfigReader =
    typeof from === "string" ? { name: from, read: () => readConfig(from, options) } : from;
  const first = readAgain();
  if (first.config === undefined) throw first.error;

  let files: readonly string[] = [...first.files.keys()];
  let wholes = policyPaths(first.config);
  let known = await seenBy(first);
  let settling: Fingerprint | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /* Failures in a row that may pass by themselves, and looks until the next try; 0: none is due. */
  let failures = 0;
  let waitLooks = 0;
  let warned: ReadonlySet<string> = new Set();
  let watched: WatchOptions | undefined;
  /** One at a time: two that are put in force at once could end in either order. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn(work: () => Promise<void>): Promise<void> {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next;
  }

  async function takeUp({ log, apply, refused, intervalMs }: WatchOptions, now: Fingerprint): Promise<void> {
    waitLooks = 0;
    /* Even when reading fails in a way nobody thought of, these files are not read again until they change. */
    known = now;
    const read = readAgain();
    const seen = await seenBy(read);
    /* A file that was refused may be mended by a change to what the former one referred to, so that stays watched as well. */
    files = [...new Set([...(read.config === undefined ? files : []), ...read.files.keys()])];
    if (read.config !== undefined) wholes = policyPaths(read.config);
    known = read.config === undefined ? new Map([...now, ...seen]) : seen;
    try {
      if (read.config === undefined) throw read.error;
      if ((await apply(read.config)) === "unchanged") return;
      log.info({ file }, "the changed configuration is in force");
      warned = warn(log, file, read.warnings, warned);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const reason = read.redact(error.message);
      if (mayPass(thrown)) {
        waitLooks = Math.min(2 ** ++failures, LONGEST_WAIT_LOOKS);
        const retryInMs = waitLooks * (intervalMs ?? INTERVAL_MS);
        log.error(
          { file, reason, retryInMs },
          "the changed configuration is not in force yet and will be tried again; the last good one stays in force",
        );
      } else log.error({ file, reason }, "the changed configuration is refused; the last good one stays in force");
      refused?.(error);
    }
  }

  async function look(watching: WatchOptions): Promise<void> {
    const now = await fingerprint(wholes, files);
    const changed = !sameFingerprint(now, known);
    /* An editor or a copy may still be writing: only what two looks found alike is taken up. */
    const settled = settling !== undefined && sameFingerprint(now, settling);
    settling = changed && !settled ? now : undefined;
    if (closed) return;
    if (changed && settled) {
      failures = 0;
      warned = new Set();
      await takeUp(watching, now);
    } else if (!changed && waitLooks > 0 && --waitLooks === 0) await takeUp(watching, now);
  }

  return {
    config: first.config,
    watch(watching) {
      /* Looking beats being told: a watch on a file is lost when an editor replaces it, Kubernetes swaps a link two levels up,
         and network file systems tell nothing. */
      const schedule = () => {
        timer = setTimeout(() => {
          inTurn(() => look(watching))
            .catch((error: unknown) => watching.log.error({ file, error }, "the configuration cannot be watched"))
            .finally(() => {
              if (!closed) schedule();
            });
        }, watching.intervalMs ?? INTERVAL_MS);
        timer.unref();
      };
      watched = watching;
      warned = warn(watching.log, file, first.warnings, warned);
      if (!closed) schedule();
    },
    takeUp: () =>
      inTurn(async () => {
        if (closed || watched === undefined) return;
        failures = 0;
        await takeUp(watched, await fingerprint(wholes, files));
      }),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
