import { isDeepStrictEqual } from "node:util";
import { type AbortSignalLike, unlessAborted } from "../../core/abort.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";
import { tenantOf } from "../../core/tenant.ts";
import type { ResolveAddresses } from "../../http/resolve-addresses.ts";
import { hashText } from "../picker/block-chain.ts";
import { createPicker, type Picked, type Picker } from "../picker/picker.ts";
import type { PickTrace } from "../picker/pick-trace.ts";
import { mustShed } from "../picker/saturation.ts";
import type { PickRequest } from "../picker/scene.ts";
import { Discovery } from "./discovery.ts";
import type { Member } from "./member.ts";
import type { EndpointStatus } from "./endpoint-status.ts";
import { type CallEnd, Members, type MembersOptions } from "./members.ts";
import { toPickJson } from "./pick-text.ts";
import { headersOf, profileOf, type PoolConfig } from "./pool-config.ts";
import { createPriority } from "./priority.ts";
import { notSent } from "./not-sent.ts";
import { ServedModels } from "./served-models.ts";
import { WaitingLine } from "./waiting-line.ts";

const RESOLVE_EVERY_MS = 5_000;
/* There are servers that answer to any name. */
const MOST_ANSWERED = 1_024;

/** How many calls may be sent twice in vain: what the gateway's retry budget gives, asked by a name of the pool's. */
export interface PoolRetries {
  called(name: string): void;
  /** One more attempt, where one fits: what it is to be told of its end, the first time counts. Undefined: none fits. */
  take(name: string): ((inVain: boolean) => void) | undefined;
}

export interface PoolOptions extends Omit<MembersOptions, "pool" | "changed"> {
  /** Different in every process: replicas must not break a tie the same way. */
  readonly replica: string;
  readonly resolve: ResolveAddresses;
  readonly retries: PoolRetries;
}

/** A picked endpoint, to which a call is counted until it has ended. */
export interface Placed {
  readonly pool: string;
  readonly member: Member;
  readonly picked: Picked;
  /** Why, as JSON for the journal: made when it is written, of what was so when it was picked. */
  why(): string;
  /** What callers know an endpoint by. */
  nameOf(url: string): string;
  /** The answer begins. */
  answers(): void;
  /** To be called once. */
  end(how: CallEnd): void;
}

export interface PlaceOptions {
  readonly context: OperationContext;
  readonly signal: AbortSignalLike;
  readonly bytes: number;
}

/** For operators. */
export interface PoolStatus {
  readonly pool: string;
  /** Calls that wait for room. */
  readonly waiting: number;
  /** 1 is full; absent: no endpoint gets calls. */
  readonly saturation?: number;
  readonly endpoints: readonly EndpointStatus[];
}

/** One pool: picks endpoints, and lets calls wait while there is no room. It outlives configurations, and has no endpoint before the first is in force. */
export class Pool {
  readonly name: string;
  /** Parts what is known of prompts from other processes. */
  readonly secret: number;
  readonly #options: PoolOptions;
  readonly #members: Members;
  readonly #served: ServedModels;
  readonly #answered = new Set<string>();
  #config: PoolConfig;
  #picker: Picker;
  #priority: (context: OperationContext) => number;
  readonly #line: WaitingLine<Placed>;
  #discovery: Discovery | undefined;
  #begun = false;

  constructor(name: string, config: PoolConfig, options: PoolOptions) {
    this.name = name;
    this.secret = hashText(options.replica);
    this.#options = options;
    this.#config = config;
    this.#members = new Members({ ...options, pool: name, changed: () => this.#letGo() }, config);
    this.#served = new ServedModels(options);
    this.#line = new WaitingLine({
      bounds: () => this.#config.queue,
      changed: (length) => options.meters.waiting.set([name], length),
    });
    this.#picker = this.#createPicker(config);
    this.#priority = createPriority(config.priority);
  }

  /**
   * Gives what puts a configuration in force, or throws where it cannot be: nothing has changed before that is called. Endpoints that are in both
   * keep what is known of them; those that are gone end their calls.
   */
  prepare(config: PoolConfig): () => void {
    const picker = this.#createPicker(config);
    const priority = createPriority(config.priority);
    return () => {
      const former = this.#config;
      this.#config = config;
      if (!isDeepStrictEqual(former.pick, config.pick)) this.#picker = picker;
      this.#priority = priority;
      const scraping = ({ engine, key, headers, metrics }: PoolConfig) => [engine, key, headers, metrics];
      this.#members.configure(config, !isDeepStrictEqual(scraping(former), scraping(config)));
      const finding = ({ endpoints, dns, resolve }: PoolConfig) => [endpoints, dns, resolve];
      if (!this.#begun || !isDeepStrictEqual(finding(former), finding(config))) this.#find();
      this.#begun = true;
      this.#letGo();
    };
  }

  /**
   * An endpoint for a call, at once or when there is room. Rejects with a GatewayError: 429 where the call must wait and may not, 503 where no
   * endpoint is well. `except`: slots that were tried already; such a call does not wait again.
   */
  async place(
    request: PickRequest,
    { context, signal, bytes }: PlaceOptions,
    except: readonly number[],
  ): Promise<Placed> {
    if (this.#members.roster.size === 0) await this.#begins(signal);
    this.#members.called(this.#options.clock.monotonic());
    if (except.length > 0) return this.#pick(request, except);
    const priority = this.#priority(context);
    if (priority >= 0 && this.#config.queue === undefined) return this.#pick(request, except);
    const saturation = this.#members.saturation(this.#config.capacity) ?? 0;
    if (mustShed(priority, saturation)) throw this.#turnAway(notSent.dropped("rejected-shed"));
    if (this.#config.queue === undefined || (saturation < 1 && this.#line.length === 0))
      return this.#pick(request, except);
    const tenant = tenantOf(context.exchange);
    const flow = tenant === "" ? context.exchange.principal.id : `tenant ${tenant}`;
    const waits = this.#line.wait({ priority, flow, bytes, signal }, () => this.#pick(request, except));
    this.#letGo();
    return waits.catch((error: unknown) => {
      // What `#pick` has thrown is counted already.
      throw error instanceof GatewayError && error.kind === "rate_limited" ? this.#turnAway(error) : error;
    });
  }

  /**
   * Another endpoint for a call that one of them was sent and failed. Undefined: none is well, or the pool is full, or too many calls were sent
   * twice in vain of late. Nobody who rests is asked for it: that a neighbour fails too says that it is the call, or all of them.
   */
  placeAgain(request: PickRequest, except: readonly number[]): Placed | undefined {
    if ((this.#members.saturation(this.#config.capacity) ?? 1) >= 1) return undefined;
    const told = this.#options.retries.take(this.name);
    if (told === undefined) return undefined;
    const placed = this.#tryPick(request, except);
    if (placed === undefined) {
      told(false);
      return undefined;
    }
    this.#options.meters.resent.add([this.name]);
    return {
      ...placed,
      answers() {
        placed.answers();
        told(false);
      },
      end(how) {
        placed.end(how);
        told(how !== "well" && how !== "refused");
      },
    };
  }

  /** Names of the models that its endpoints say they serve, adapters included, as of the last seconds; none where none of them says. */
  served(signal: AbortSignalLike): Promise<readonly string[]> {
    const urls = this.#members.well().map(({ listUrl }) => listUrl);
    return unlessAborted(this.#served.names(urls, headersOf(this.#config)), signal);
  }

  /** An endpoint of it has answered to this name of a model. */
  learn(model: string): void {
    if (this.#answered.size < MOST_ANSWERED) this.#answered.add(model);
  }

  /** Whether one ever has. */
  serves(model: string): boolean {
    return this.#answered.has(model);
  }

  /** Whether an endpoint of it has a LoRA adapter of this name, or is about to load it. */
  hasAdapter(name: string): boolean {
    return this.#members.hasAdapter(name);
  }

  /** Takes an endpoint out for an operator, or in again; false: there is none of this name. */
  drain(name: string, drained: boolean): boolean {
    return this.#members.drain(name, drained);
  }

  status(): PoolStatus {
    const saturation = this.#members.saturation(this.#config.capacity);
    return {
      pool: this.name,
      waiting: this.#line.length,
      ...(saturation !== undefined && { saturation }),
      endpoints: this.#members.list(),
    };
  }

  /** No configuration has it any more. */
  close(): void {
    this.#discovery?.stop();
    this.#line.close(new GatewayError("draining", "The gateway is stopping."));
    this.#members.close();
  }

  /** Waits for the first endpoints of a name in DNS. A reload while it does may bring another name. */
  async #begins(signal: AbortSignalLike): Promise<void> {
    let waited: Discovery | undefined;
    while (this.#members.roster.size === 0 && this.#discovery !== waited) {
      waited = this.#discovery;
      if (waited !== undefined) await unlessAborted(waited.started, signal);
    }
  }

  #pick(request: PickRequest, except: readonly number[]): Placed {
    let placed = this.#tryPick(request, except);
    if (placed === undefined && this.#members.readmit()) placed = this.#tryPick(request, except);
    if (placed === undefined) throw this.#turnAway(notSent.noEndpoint(this.name, except.length > 0));
    if (except.length === 0) this.#options.retries.called(this.name);
    return placed;
  }

  #tryPick(request: PickRequest, except: readonly number[]): Placed | undefined {
    const options = { nowMs: this.#options.clock.monotonic(), explain: true, except };
    const picked = this.#picker.pick(request, options);
    if (picked === undefined) return undefined;
    const { roster } = this.#members;
    const member = roster.inSlot(picked.slot)!;
    const trace = picked.trace!;
    const { hosts } = roster;
    this.#count(member, request, trace);
    return {
      pool: this.name,
      member,
      picked,
      why: () => toPickJson(this.name, member.host, trace, hosts),
      nameOf: (url) => roster.at(url)?.name ?? "gone",
      answers: () => picked.prefilled(),
      end: (how) => {
        picked.end();
        this.#members.ended(member, how);
      },
    };
  }

  #count({ slot, host }: Member, { promptTokens }: PickRequest, { slots, cached }: PickTrace): void {
    const { meters } = this.#options;
    meters.picks.add([this.name, host]);
    meters.promptTokens.add([this.name], promptTokens);
    meters.cachedTokens.add([this.name], Math.min(cached[slots.indexOf(slot)]!, promptTokens));
  }

  /** Counts a call that no endpoint was found for. */
  #turnAway(error: GatewayError): GatewayError {
    const reason = error.headers["x-llm-d-request-dropped-reason"];
    if (reason !== undefined) this.#options.meters.dropped.add([this.name, reason]);
    return error;
  }

  /** Those that wait, while there is room. */
  #letGo(): void {
    while (this.#line.length > 0 && this.#hasRoom()) this.#line.next();
  }

  #hasRoom(): boolean {
    return this.#config.queue === undefined || (this.#members.saturation(this.#config.capacity) ?? 0) < 1;
  }

  #find(): void {
    this.#discovery?.stop();
    this.#discovery = undefined;
    const { endpoints, dns, resolve: everyMs = RESOLVE_EVERY_MS } = this.#config;
    if (endpoints !== undefined) this.#members.set(endpoints);
    if (dns === undefined) return;
    const { resolve, log, meters } = this.#options;
    this.#discovery = new Discovery({
      url: dns,
      everyMs,
      resolve,
      log: log.child({ pool: this.name }),
      found: (urls) => this.#members.set(urls),
      failed: () => meters.resolveFailures.add([this.name]),
    });
  }

  #createPicker(config: PoolConfig): Picker {
    const { endpoints, prefixes } = this.#members.roster;
    return createPicker({ endpoints, prefixes, profile: profileOf(config), replica: this.#options.replica });
  }
}
