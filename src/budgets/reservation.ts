import { GatewayError } from "../core/errors.ts";
import type { JsonEdit } from "../core/json-edit.ts";
import type { Price, Usage } from "../core/operation.ts";
import type { AnswerEvent, OperationContext, Outcome } from "../core/step.ts";
import { costOf, noUse, perOutputToken, toBook, toReserve, toUse, type Use } from "./amounts.ts";
import { type Line, needsStore } from "./budget.ts";
import type { Standing } from "./ledger/counting.ts";
import { exhausted } from "./exhausted.ts";
import { type Hold, type Ledger, whenHere } from "./ledger/ledger.ts";
import { streamedBytes } from "./streamed-text.ts";

/** Output tokens reserved at a time while an answer streams. */
export const SLICE_TOKENS = 512;

/* What a token is taken for until the provider says its own count. */
const BYTES_PER_TOKEN = 4;

/** What was reckoned for a call: how many tokens go in and may come out. */
export interface Reckoned {
  readonly inputTokens: number;
  /** Reserved for the answer so far. */
  readonly outputTokens: number;
  /** No more than this can come: the caller's own bound, or the one put in. */
  readonly mostOutputTokens: number;
  /** The bound that is put into the request. */
  readonly edit: JsonEdit | undefined;
  /** Whether the gateway chose how much to reserve for the answer, and may choose less: the caller's own bound is the caller's. */
  readonly isOurs: boolean;
}

export interface Reserved extends Reckoned {
  /** Told of each line what was reserved in the end, and what was booked. */
  readonly onSettled: (held: readonly number[], booked: readonly number[]) => void;
  readonly hold: Hold;
  readonly lines: readonly Line[];
}

/** What a call used, and what that costs; the cost is undefined where nobody knows it. */
export interface Bill {
  readonly use: Use;
  readonly costNanos: number | undefined;
}

/** What one attempt at one candidate has reserved, from before it is sent until it is settled. */
export class Reservation {
  /** Set when the call leaves the gateway: what is refused before that has used nothing. */
  sent = false;
  readonly price: Price | undefined;
  readonly #ledger: Ledger;
  readonly #reserved: Reserved | undefined;
  #outputTokens: number;
  #bytes = 0;
  #pieces = 0;
  #extending: Promise<void> | undefined;
  /* Set when no more could be reserved; what was is still to be used up. */
  #shortage: GatewayError | undefined;
  #cut = false;

  constructor(ledger: Ledger, price: Price | undefined, reserved: Reserved | undefined) {
    this.#ledger = ledger;
    this.price = price;
    this.#reserved = reserved;
    this.#outputTokens = reserved?.outputTokens ?? 0;
  }

  /** What the request must say beyond what its caller wrote. */
  get edit(): JsonEdit | undefined {
    return this.#reserved?.edit;
  }

  /** Tokens of the answer so far, by their bytes and pieces. */
  get streamedTokens(): number {
    return Math.max(this.#pieces, Math.ceil(this.#bytes / BYTES_PER_TOKEN));
  }

  /**
   * Counts an event of a stream, and reserves more before what was reserved is used up. Throws GatewayError("budget_exhausted") with
   * `data.endAs` "length" at the first event for which nothing is left: the stream ends there.
   */
  count({ value }: AnswerEvent): void | Promise<void> {
    const bytes = streamedBytes(value);
    if (bytes === 0) return;
    this.#bytes += bytes;
    this.#pieces += 1;
    const reserved = this.#reserved;
    if (reserved === undefined || this.#outputTokens >= reserved.mostOutputTokens) return;
    const left = this.#outputTokens - this.streamedTokens;
    if (left >= SLICE_TOKENS / 4) return;
    if (this.#shortage !== undefined) {
      this.#checkLeft();
      return;
    }
    const extended = this.#extend(reserved);
    if (extended !== undefined && left < 0) return extended.then(() => this.#checkLeft());
    if (extended === undefined && left < 0) this.#checkLeft();
    return undefined;
  }

  #checkLeft(): void {
    const shortage = this.#shortage;
    if (shortage === undefined || this.#outputTokens >= this.streamedTokens) return;
    this.#cut = true;
    throw new GatewayError(shortage.kind, shortage.message, {
      headers: shortage.headers,
      /* The relay ends such a stream as its dialect ends an answer that has reached its bound. */
      data: { ...shortage.data, endAs: "length", outputTokens: this.#outputTokens },
    });
  }

  #extend(reserved: Reserved): Promise<void> | undefined {
    if (this.#extending !== undefined) return this.#extending;
    const wanted = Math.min(
      reserved.mostOutputTokens,
      Math.max(this.#outputTokens, this.streamedTokens) + SLICE_TOKENS,
    );
    const pending = whenHere(this.#ask(reserved, wanted), (standing) => this.#take(reserved, wanted, standing));
    if (pending === undefined) return undefined;
    this.#extending = pending
      .catch((error: unknown) => this.#storeFailed(reserved, error))
      .finally(() => {
        this.#extending = undefined;
      });
    return this.#extending;
  }

  #ask({ hold, lines, inputTokens }: Reserved, outputTokens: number): Standing | Promise<Standing> {
    const used = lines.map(({ limit }) => toReserve(limit.thing, this.price, inputTokens, this.streamedTokens));
    const totals = lines.map(({ limit }) => toReserve(limit.thing, this.price, inputTokens, outputTokens));
    return this.#ledger.extend(hold, used, totals);
  }

  #take(reserved: Reserved, wanted: number, standing: Standing): void | Promise<void> {
    if (standing.fits) {
      this.#outputTokens = wanted;
      return undefined;
    }
    const { fitting, shortage } = roomFor(reserved.lines, this.price, standing);
    this.#shortage = shortage;
    /* The last of a budget is still somebody's: as much as fits. */
    const last = Math.min(wanted, this.#outputTokens + fitting);
    if (last <= this.#outputTokens) return undefined;
    return whenHere(this.#ask(reserved, last), ({ fits }) => {
      if (fits) this.#outputTokens = last;
    });
  }

  #storeFailed({ lines }: Reserved, error: unknown): void {
    if (lines.some(needsStore)) this.#shortage = GatewayError.from(error);
    else this.#outputTokens = Number.POSITIVE_INFINITY;
  }

  /** Books what was used, once, and says what it was. */
  settle(context: OperationContext, outcome: Outcome): Bill {
    const use = this.#useOf(context, outcome);
    const charged = use !== undefined;
    const bill: Bill = {
      use: use ?? noUse,
      costNanos: this.price === undefined ? undefined : charged ? costOf(this.price, use) : 0,
    };
    const reserved = this.#reserved;
    if (reserved !== undefined) {
      const booked = reserved.lines.map(({ limit }) => toBook(limit.thing, bill.use, bill.costNanos));
      this.#ledger.settle(reserved.hold, booked);
      reserved.onSettled(
        reserved.lines.map(({ limit }) => toReserve(limit.thing, this.price, reserved.inputTokens, this.#outputTokens)),
        booked,
      );
    }
    return bill;
  }

  /* The provider's own count where it gave one. Else what was produced, and what must have been read for it. */
  #useOf(context: OperationContext, { status, error }: Outcome): Use | undefined {
    const usage: Usage | undefined = context.usage;
    const said = usage?.inputTokens !== undefined || usage?.outputTokens !== undefined;
    /* What a provider says at the start of a stream that did not come to its end is not the whole. */
    const whole = status === "ok" && !this.#cut && usage?.outputTokens !== undefined;
    if (usage !== undefined && whole && usage.inputTokens !== undefined) return toUse(usage);
    if (!said) {
      const { upstreamStatus, complaint } = context;
      if (complaint === "refused" || (upstreamStatus !== undefined && upstreamStatus >= 400)) return undefined;
      /* Left while the provider was at work: it will ask to be paid. */
      const left = status === "aborted" || status === "drained" || error?.kind === "upstream_timeout";
      if (status !== "ok" && upstreamStatus === undefined && !(left && this.sent)) return undefined;
    }
    const { inputTokens, outputTokens } = this.#guess(context);
    const use = toUse({ inputTokens, ...usage });
    return whole ? use : { ...use, outputTokens: Math.max(use.outputTokens, outputTokens) };
  }

  #guess({ operation: { demand }, answerTokens = 0 }: OperationContext): { inputTokens: number; outputTokens: number } {
    if (demand === undefined) return { inputTokens: 0, outputTokens: 0 };
    const { inputBytes, maxOutputTokens = Number.POSITIVE_INFINITY } = demand;
    return {
      inputTokens: Math.ceil(inputBytes / BYTES_PER_TOKEN),
      outputTokens: Math.min(maxOutputTokens, this.streamedTokens || answerTokens),
    };
  }
}

/** How many more output tokens all lines have room for, and what is said when they are used up. */
function roomFor(lines: readonly Line[], price: Price | undefined, standing: Standing) {
  let fitting = Number.POSITIVE_INFINITY;
  let tightest = 0;
  for (const [at, { limit, term }] of lines.entries()) {
    const each = perOutputToken(limit.thing, price);
    const room = each === 0 ? Number.POSITIVE_INFINITY : Math.floor((term.limit - standing.used[at]!) / each);
    if (room >= fitting) continue;
    fitting = Math.max(0, room);
    tightest = at;
  }
  const line = lines[tightest]!;
  const shortage = exhausted({
    line,
    used: standing.used[tightest]!,
    needed: perOutputToken(line.limit.thing, price),
    debt: standing.debts[tightest]!,
    endsMs: standing.endsMs[tightest]!,
    nowMs: standing.nowMs,
  });
  return { fitting, shortage };
}
