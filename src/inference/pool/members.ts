import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Deadlines } from "../../http/deadlines.ts";
import type { Upstream } from "../../http/upstream.ts";
import { endpointSaturation } from "../picker/saturation.ts";
import type { PrefixMemory } from "../picker/prefix-memory.ts";
import { countOthers, mayEject } from "./ejection.ts";
import { engines } from "./engines.ts";
import type { HealthState } from "./health.ts";
import { type EndpointStatus, toEndpointStatus } from "./endpoint-status.ts";
import type { Member } from "./member.ts";
import type { ReadMetrics } from "./metrics-reader.ts";
import { headersOf, type PoolConfig } from "./pool-config.ts";
import type { PoolMeters } from "./pool-meters.ts";
import { Roster } from "./roster.ts";
import type { PaceShare, ScrapePace } from "./scrape-pace.ts";
import { Scraper, type Look } from "./scraper.ts";

export interface MembersOptions {
  readonly pool: string;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** For scrapes. */
  readonly deadlines: Deadlines;
  readonly pace: ScrapePace;
  /** For what was sent to endpoints. */
  readonly memory: PrefixMemory;
  readonly log: Log;
  readonly meters: PoolMeters;
  /** There may be room, or other endpoints. */
  changed(): void;
}

/** How a call ended, as far as its endpoint is concerned. `refused`: it could not be sent. `unknown`: the caller left, or it was not the endpoint's doing. */
export type CallEnd = "well" | "failed" | "refused" | "unknown";

/* How often one is looked at that is not well and tells no metrics. */
const LOOK_EVERY_MS = 250;

/* Those that are gone included: many times as many as a pool has. */
const MOST_DRAINED = 1_024;

/** What is known of the endpoints of a pool, and which of them get calls. */
export class Members {
  readonly roster: Roster;
  readonly #options: MembersOptions;
  #config: PoolConfig;
  #wanted: readonly string[] = [];
  /* Addresses, oldest first: one that is gone for the length of one answer of DNS is still not to get calls. */
  readonly #drained = new Set<string>();
  readonly #pace: PaceShare;
  #closed = false;

  constructor(options: MembersOptions, config: PoolConfig) {
    this.roster = new Roster(options.pool, options.memory);
    this.#options = options;
    this.#config = config;
    this.#pace = options.pace.open();
  }

  /** Takes up another configuration; `scraping`: of how they are scraped. */
  configure(config: PoolConfig, scraping: boolean): void {
    this.#config = config;
    this.#share();
    if (scraping) for (const member of this.roster.all()) this.#scrape(member);
  }

  /** Those that are in both lists keep what is known of them; those that are gone get no more calls, and end those under way. */
  set(urls: readonly string[]): void {
    this.#wanted = urls;
    const wanted = new Set(urls);
    for (const member of this.roster.all()) {
      member.leaving = !wanted.has(member.url);
      this.#update(member);
      this.#release(member);
    }
    this.#join();
    this.#share();
    this.#options.changed();
  }

  /** A call looks for an endpoint. The first after a long time finds old metrics, those after it new ones. */
  called(nowMs: number): void {
    if (this.#pace.called(nowMs)) for (const { scraper } of this.roster.all()) scraper?.hasten();
  }

  /** Those that are wanted and not there; as long as there is room, which those that leave still take. */
  #join(): void {
    for (const url of this.#wanted) {
      if (this.roster.at(url) !== undefined) continue;
      if (this.roster.isFull) break;
      const member = this.roster.add(url);
      member.drained = this.#drained.has(url);
      this.#update(member);
      this.#scrape(member);
    }
  }

  /** Those that get calls. */
  well(): readonly Member[] {
    return [...this.roster.all()].filter(({ slot }) => this.roster.endpoints.usable[slot] === 1);
  }

  /** Whether one of them has a LoRA adapter of this name, or is about to load it. */
  hasAdapter(name: string): boolean {
    for (const { slot } of this.roster.all()) if (this.roster.endpoints.hasAdapter(slot, name)) return true;
    return false;
  }

  /** Takes an endpoint out for an operator, or in again; false: there is none of this name. */
  drain(name: string, drained: boolean): boolean {
    const member = [...this.roster.all()].find((each) => each.name === name);
    if (member === undefined) return false;
    member.drained = drained;
    this.#drained.delete(member.url);
    if (drained) this.#drained.add(member.url);
    for (const oldest of this.#drained) {
      if (this.#drained.size <= MOST_DRAINED) break;
      this.#drained.delete(oldest);
    }
    this.#update(member);
    this.#options.changed();
    return true;
  }

  list(): readonly EndpointStatus[] {
    const nowMs = this.#options.clock.monotonic();
    return [...this.roster.all()].map((member) => toEndpointStatus(member, this.roster.endpoints, nowMs));
  }

  /**
   * How full they are on average, of those that get calls; 1: all are full. One that is more than full counts as full, or it would keep calls from those with room.
   * `capacity`: own calls that fill one that tells no metrics. Undefined: none gets calls.
   */
  saturation(capacity: number): number | undefined {
    const nowMs = this.#options.clock.monotonic();
    const { endpoints } = this.roster;
    let sum = 0;
    let count = 0;
    for (const { slot } of this.roster.all()) {
      if (endpoints.usable[slot] === 0) continue;
      const saturation = endpoints.fresh(slot, nowMs)
        ? endpointSaturation(endpoints, slot, nowMs)
        : endpoints.requests[slot]! / capacity;
      sum += Math.min(1, saturation);
      count++;
    }
    return count === 0 ? undefined : sum / count;
  }

  /** A call is over and no longer counted. */
  ended(member: Member, how: CallEnd): void {
    if (this.#closed) return;
    this.#judge(member, how);
    this.#release(member);
    this.#options.changed();
  }

  /** Nobody looks at them any more, and nothing is told of them. */
  close(): void {
    this.#closed = true;
    this.#share();
    for (const member of this.roster.all()) {
      member.scraper?.stop();
      clearTimeout(member.rest);
    }
    this.roster.prefixes.close();
    this.#options.meters.dropPool(this.#options.pool);
  }

  #scrape(member: Member): void {
    member.scraper?.stop();
    const { engine: name, metrics } = this.#config;
    const engine = engines[name];
    const reads = metrics !== "off";
    const url = new URL(reads ? (metrics.path ?? engine.metricsPath) : "/health", member.url);
    if (reads && metrics.port !== undefined) url.port = String(metrics.port);
    const { pool, upstream, clock, deadlines, log } = this.#options;
    member.scraper = new Scraper({
      url,
      headers: headersOf(this.#config),
      engine,
      everyMs: () => (reads ? Math.max(metrics.every, this.#pace.everyMs(clock.monotonic())) : LOOK_EVERY_MS),
      reads,
      upstream,
      deadlines,
      saw: (look) => {
        this.#saw(member, look, clock.monotonic());
        // Metrics that come no more may have said for the last time that there is no room, and nothing else tells those that wait.
        this.#options.changed();
      },
      failed: (error) => log.error({ pool, host: member.host, error }, "what an endpoint says could not be taken in"),
      isWell: () => member.health.state(clock.monotonic()) !== "unreachable",
    });
    if (!reads && member.health.state(clock.monotonic()) === "unreachable") member.scraper.wake();
  }

  #share(): void {
    this.#pace.resize(this.#closed || this.#config.metrics === "off" ? 0 : this.roster.size);
  }

  #saw(member: Member, look: Look, nowMs: number): void {
    const { slot, host, health } = member;
    if (look.kind !== "metrics" && this.#config.metrics !== "off")
      this.#options.meters.scrapeFailures.add([this.#options.pool, host, look.kind]);
    // It waited behind the gateway's own calls for one of the connections to that address: that says nothing of the server.
    if (look.kind === "silent" && look.unsent && this.roster.endpoints.requests[slot]! > 0) return;
    const before = health.state(nowMs);
    if (health.saw(look)) this.#forget(member);
    if (look.kind === "metrics") this.#report(member, look.metrics, nowMs);
    const state = health.state(nowMs);
    if (state !== before) this.#changed(member, state);
  }

  #report(member: Member, metrics: ReadMetrics, nowMs: number): void {
    const { startedAtS } = metrics;
    if (member.startedAtS !== undefined && startedAtS !== undefined && startedAtS !== member.startedAtS)
      this.#forget(member);
    member.startedAtS = startedAtS;
    this.roster.endpoints.report(member.slot, metrics, nowMs);
  }

  /** The server has started anew: what it had in its cache is gone. */
  #forget({ slot }: Member): void {
    this.roster.prefixes.clear(slot);
    this.roster.endpoints.restarted(slot);
  }

  #judge(member: Member, how: CallEnd): void {
    if (how === "unknown") return;
    const { health } = member;
    const nowMs = this.#options.clock.monotonic();
    if (how === "refused" && health.state(nowMs) !== "unreachable") {
      health.refused();
      member.scraper?.wake();
      this.#changed(member, "unreachable");
    }
    if (!health.ended(how !== "well", () => countOthers(this.roster.all(), member, nowMs), nowMs)) return;
    if (health.state(nowMs) !== "well" || !mayEject(this.roster.all(), nowMs)) return;
    health.eject(nowMs);
    this.#options.meters.ejections.add([this.#options.pool, member.host]);
    this.#changed(member, "ejected");
    clearTimeout(member.rest);
    member.rest = setTimeout(() => this.#changed(member, "well"), health.restMs(nowMs) + 1);
    member.rest.unref();
  }

  /** With nobody else to ask, those that rest are asked again. True: there is one. */
  readmit(): boolean {
    const nowMs = this.#options.clock.monotonic();
    let any = false;
    for (const member of this.roster.all()) {
      if (member.leaving || member.drained || member.health.state(nowMs) !== "ejected") continue;
      member.health.readmit();
      this.#update(member);
      any = true;
    }
    return any;
  }

  #changed(member: Member, state: HealthState): void {
    const { name, host } = member;
    this.#options.log.info({ pool: this.#options.pool, endpoint: name, host, state }, "an endpoint's state changed");
    this.#update(member);
    this.#options.changed();
  }

  #update(member: Member): void {
    const { slot, host, leaving, drained, health } = member;
    const usable = !leaving && !drained && health.state(this.#options.clock.monotonic()) === "well";
    this.roster.endpoints.usable[slot] = usable ? 1 : 0;
    this.#options.meters.up.set([this.#options.pool, host], usable ? 1 : 0);
  }

  /** Frees the place of an endpoint that has left and whose last call has ended. */
  #release(member: Member): void {
    const { roster } = this;
    if (!member.leaving || roster.endpoints.requests[member.slot] !== 0) return;
    if (roster.inSlot(member.slot) !== member) return;
    member.scraper?.stop();
    clearTimeout(member.rest);
    const { isFull } = roster;
    roster.remove(member);
    // Two may differ in their paths alone.
    if (!roster.hosts.includes(member.host)) this.#options.meters.dropEndpoint(this.#options.pool, member.host);
    if (isFull) this.#join();
    this.#share();
  }
}
