import type { Log } from "../../core/log.ts";
import { isObject } from "../message.ts";
import type { Incoming, Link, OnMessage } from "./link.ts";

export type ChangeKind = "tools" | "prompts" | "resources" | "updated";

/** Something a server announced. `uri` is set for `updated`. */
export interface Change {
  readonly kind: ChangeKind;
  readonly uri: string | undefined;
}

const KINDS: Readonly<Record<string, ChangeKind>> = {
  "notifications/tools/list_changed": "tools",
  "notifications/prompts/list_changed": "prompts",
  "notifications/resources/list_changed": "resources",
  "notifications/resources/updated": "updated",
};

/** What a message announces; undefined when it is no announcement. */
export function changeOf(message: Incoming): Change | undefined {
  const kind = KINDS[String(message.value["method"])];
  if (kind === undefined) return undefined;
  const params = message.value["params"];
  const uri = isObject(params) ? params["uri"] : undefined;
  return { kind, uri: typeof uri === "string" ? uri : undefined };
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/** A standing stream to one server, opened again with growing delays for as long as it is wanted. */
export interface Watch {
  /** Resolves when the stream is open, or when waiting longer is of no use. */
  readonly open: Promise<void>;
  stop(): void;
}

/** Listens on a link; a stream that ended is opened again. */
export function startWatch(server: string, link: () => Promise<Link>, onMessage: OnMessage, log: Log): Watch {
  const controller = new AbortController();
  const opened = Promise.withResolvers<void>();
  let delayMs = FIRST_DELAY_MS;
  const run = async () => {
    while (!controller.signal.aborted) {
      try {
        const current = await link();
        const how = await current.listen(controller.signal, onMessage, () => {
          delayMs = FIRST_DELAY_MS;
          opened.resolve();
        });
        if (how === "unsupported") return opened.resolve();
      } catch (error) {
        if (!controller.signal.aborted) log.debug({ mcp_server: server, error }, "mcp watch stream ended");
      }
      opened.resolve();
      if (controller.signal.aborted) return;
      await pause(delayMs, controller.signal);
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    }
  };
  void run();
  return {
    open: opened.promise,
    stop() {
      controller.abort();
      opened.resolve();
    },
  };
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    timer.unref();
    signal.addEventListener("abort", done, { once: true });
  });
}
