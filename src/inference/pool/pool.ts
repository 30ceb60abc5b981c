import { isDeepStrictEqual } from "node:util";
import { hashText } from "../picker/block-chain.ts";
import { Endpoints } from "../picker/endpoints.ts";
import { createPicker, type Picked, type Picker, type PickOptions } from "../picker/picker.ts";
import { PrefixIndex } from "../picker/prefix-index.ts";
import type { PickRequest } from "../picker/scene.ts";
import { createMember, type Member } from "./member.ts";
import { maxEndpoints, profileOf, type PoolConfig } from "./pool-config.ts";

export interface PoolOptions {
  /** Different in every process: replicas must not break a tie the same way. */
  readonly replica: string;
}

/** A picked endpoint. `end` counts the call out, and is called once it is over in whatever way. */
export interface Placed {
  readonly member: Member;
  readonly picked: Picked;
  end(): void;
}

/** Twice as many as there may be: those that leave keep their place until their calls have ended. */
const slots = maxEndpoints * 2;

/** The state of one pool: its endpoints and what is known of them. It outlives configurations. */
export class Pool {
  readonly name: string;
  /** Parts what is known of prompts from other processes. */
  readonly secret: number;
  readonly #endpoints = new Endpoints({ slots });
  readonly #prefixes = new PrefixIndex({ slots });
  readonly #members = new Map<string, Member>();
  readonly #bySlot: (Member | undefined)[] = [];
  readonly #replica: string;
  #config: PoolConfig;
  #picker: Picker;

  constructor(name: string, config: PoolConfig, { replica }: PoolOptions) {
    this.name = name;
    this.secret = hashText(replica);
    this.#replica = replica;
    this.#config = config;
    this.#picker = this.#createPicker();
    this.#setEndpoints(config.endpoints);
  }

  /** Takes up another configuration. Endpoints that are in both keep what is known of them; those that are gone end their calls. */
  configure(config: PoolConfig): void {
    const former = this.#config;
    this.#config = config;
    if (!isDeepStrictEqual(former.pick, config.pick)) this.#picker = this.#createPicker();
    this.#setEndpoints(config.endpoints);
  }

  /** Undefined: there is no endpoint that could take it, or only those of `except`. */
  pick(request: PickRequest, options: PickOptions): Placed | undefined {
    const picked = this.#picker.pick(request, options);
    if (picked === undefined) return undefined;
    const member = this.#bySlot[picked.slot]!;
    return {
      member,
      picked,
      end: () => {
        picked.end();
        this.#release(member);
      },
    };
  }

  /** The endpoint at an address of an explanation. */
  memberAt(url: string): Member | undefined {
    return this.#members.get(url);
  }

  #createPicker(): Picker {
    return createPicker({
      endpoints: this.#endpoints,
      prefixes: this.#prefixes,
      profile: profileOf(this.#config),
      replica: this.#replica,
    });
  }

  #setEndpoints(urls: readonly string[]): void {
    const wanted = new Set(urls);
    for (const member of this.#members.values()) {
      member.leaving = !wanted.has(member.url);
      this.#update(member);
    }
    for (const url of urls) {
      if (this.#members.has(url)) continue;
      const member = createMember(this.name, this.#endpoints.add(url), url);
      this.#members.set(url, member);
      this.#bySlot[member.slot] = member;
    }
    for (const member of this.#members.values()) this.#release(member);
  }

  #update(member: Member): void {
    this.#endpoints.usable[member.slot] = member.leaving ? 0 : 1;
  }

  /** Frees the place of an endpoint that has left and whose last call has ended. */
  #release(member: Member): void {
    if (!member.leaving || this.#endpoints.requests[member.slot] !== 0) return;
    if (this.#bySlot[member.slot] !== member) return;
    this.#members.delete(member.url);
    this.#bySlot[member.slot] = undefined;
    this.#prefixes.clear(member.slot);
    this.#endpoints.remove(member.slot);
  }
}
