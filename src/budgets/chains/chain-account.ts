import { randomHex } from "../../core/ids.ts";

/** What is known of a chain beyond its way. */
export interface ChainTotals {
  readonly operations: number;
  /** Nano-dollars. */
  readonly costNanos: number;
  /** What tainted it first, such as `tool files/read_file`; undefined: nothing. */
  readonly taintedBy: string | undefined;
}

/**
 * The account of one chain in one process: what this process has added, and what others were last known to have added. Adding is
 * all that happens on a request's path.
 */
export class ChainAccount {
  readonly id: string;
  /** Where this account's own part stands in the stored record. */
  readonly slot: string = randomHex(4);
  taintedBy: string | undefined;
  ownOperations = 0;
  ownNanos = 0;
  /** Of all other accounts of the chain. */
  otherOperations = 0;
  otherNanos = 0;
  /** Whether others may see it: a chain that was handed on, or a run of several requests. */
  shared = false;
  /** Whether calls of the gateway's own are part of it. */
  helped = false;
  /** Whether it waits to be written. */
  dirty = false;

  constructor(id: string) {
    this.id = id;
  }

  get operations(): number {
    return this.ownOperations + this.otherOperations;
  }

  get costNanos(): number {
    return this.ownNanos + this.otherNanos;
  }

  /** Takes in what the store says of all accounts of the chain, this one's own part as it stood there included. */
  merge(totals: ChainTotals, stored: { readonly operations: number; readonly nanos: number }): void {
    this.otherOperations = totals.operations - stored.operations;
    this.otherNanos = totals.costNanos - stored.nanos;
    this.taintedBy ??= totals.taintedBy;
  }
}
