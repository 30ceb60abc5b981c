import { Endpoints } from "../picker/endpoints.ts";
import { PrefixIndex } from "../picker/prefix-index.ts";
import type { PrefixMemory } from "../picker/prefix-memory.ts";
import { createMember, type Member } from "./member.ts";
import { maxEndpoints } from "./pool-config.ts";

/** Twice as many as there may be: those that leave keep their place until their calls have ended. */
const slots = maxEndpoints * 2;

/** Who is in a pool, each in a slot by which the picker knows it. */
export class Roster {
  readonly endpoints = new Endpoints({ slots });
  readonly prefixes: PrefixIndex;
  readonly #pool: string;
  readonly #members = new Map<string, Member>();
  readonly #bySlot: (Member | undefined)[] = [];
  #hosts: readonly string[] | undefined;

  constructor(pool: string, memory: PrefixMemory) {
    this.#pool = pool;
    this.prefixes = new PrefixIndex({ memory });
  }

  get size(): number {
    return this.#members.size;
  }

  get isFull(): boolean {
    return this.#members.size === slots;
  }

  /** In the order in which they came. */
  all(): IterableIterator<Member> {
    return this.#members.values();
  }

  at(url: string): Member | undefined {
    return this.#members.get(url);
  }

  inSlot(slot: number): Member | undefined {
    return this.#bySlot[slot];
  }

  /** Hosts by slot; another list when they change, so that whoever has one can tell of a pick later. */
  get hosts(): readonly string[] {
    return (this.#hosts ??= Array.from(this.#bySlot, (member) => member?.host ?? ""));
  }

  add(url: string): Member {
    const member = createMember(this.#pool, this.endpoints.add(url), url);
    this.#members.set(url, member);
    this.#bySlot[member.slot] = member;
    this.#hosts = undefined;
    return member;
  }

  /** Frees its slot, and forgets what was known of it. */
  remove({ url, slot }: Member): void {
    this.#members.delete(url);
    this.#bySlot[slot] = undefined;
    this.#hosts = undefined;
    this.prefixes.clear(slot);
    this.endpoints.remove(slot);
  }
}
