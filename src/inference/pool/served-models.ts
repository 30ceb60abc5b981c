import { LightAbortSignal } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Upstream } from "../../http/upstream.ts";
import { isFields } from "../dialects/fields.ts";

/* Lists change with adapters that are loaded, which takes seconds. */
const KEEP_MS = 5_000;
const LONGEST_MS = 2_000;
const LARGEST_ANSWER = 1_048_576;
/* Endpoints of a pool serve the same, but for adapters that were loaded into some. */
const MOST_ASKED = 16;
const MOST_NAMES = 1_024;
const LONGEST_NAME = 256;

export interface ServedModelsOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
}

/** What the endpoints of a pool say that they serve: asked when somebody wants to know, and remembered for a moment. */
export class ServedModels {
  readonly #options: ServedModelsOptions;
  #names: Promise<readonly string[]> | undefined;
  #asUntilMs = 0;

  constructor(options: ServedModelsOptions) {
    this.#options = options;
  }

  /** Names of models and adapters, each once, in the order in which they were told. `urls`: where each endpoint lists them. Never rejects. */
  names(urls: readonly URL[], headers: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const nowMs = this.#options.clock.monotonic();
    if (this.#names === undefined || nowMs >= this.#asUntilMs) {
      this.#asUntilMs = nowMs + KEEP_MS;
      this.#names = this.#ask(urls.slice(0, MOST_ASKED), headers);
    }
    return this.#names;
  }

  async #ask(urls: readonly URL[], headers: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const signal = new LightAbortSignal();
    const late = () => signal.abort(new GatewayError("upstream_timeout", "too slow"));
    const timer = setTimeout(late, LONGEST_MS);
    const lists = await Promise.allSettled(urls.map((url) => this.#list(url, headers, signal)));
    clearTimeout(timer);
    const told = lists.flatMap((list) => (list.status === "fulfilled" ? list.value : []));
    return [...new Set(told)].slice(0, MOST_NAMES);
  }

  async #list(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: LightAbortSignal,
  ): Promise<readonly string[]> {
    const response = await this.#options.upstream.request({
      url,
      trust: "configured",
      method: "GET",
      headers: { accept: "application/json", "user-agent": "sallyport", ...headers },
      signal,
    });
    if (response.status !== 200) {
      response.discard();
      return [];
    }
    return toNames(JSON.parse((await response.bytes(LARGEST_ANSWER)).toString()));
  }
}

function toNames(value: unknown): readonly string[] {
  const data = isFields(value) ? value["data"] : undefined;
  if (!Array.isArray(data)) return [];
  return data.flatMap((each: unknown) => {
    const id = isFields(each) ? each["id"] : undefined;
    return typeof id === "string" && isModelName(id) ? [id] : [];
  });
}

/** Whether it can be the name of a model: visible characters, not too long. */
export const isModelName = (name: string): boolean => name.length <= LONGEST_NAME && /^[!-~]+$/.test(name);
