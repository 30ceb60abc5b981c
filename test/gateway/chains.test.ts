import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createChainAccounts, type ChainAccounts } from "../../src/budgets/chains/chain-accounts.ts";
import { createChainTokens } from "../../src/budgets/chains/chain-token.ts";
import type { TraceContext } from "../../src/core/exchange.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Principal } from "../../src/core/principal.ts";
import { type Arrival, type Chains, createChains, type Joined } from "../../src/gateway/chains.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { openStore } from "../../src/state/state.ts";
import type { Store } from "../../src/state/store.ts";
import { createTestClock, type TestClock } from "../state/test-clock.ts";

let clock: TestClock;
let store: Store;
let accounts: ChainAccounts;
let chains: Chains;
let made = 0;

const trace = (traceId: string): TraceContext => ({
  traceId,
  spanId: "s",
  parentSpanId: "",
  sampled: true,
  tracestate: "",
});
const idOf = (traceparent: string | undefined, otherwise: string) => traceparent?.split("-")[1] ?? otherwise;

interface Sent {
  readonly trace?: string;
  readonly header?: string;
  readonly metadata?: unknown;
}
function request({ trace: traceId, header, metadata }: Sent = {}): Arrival {
  const id = String(++made).padStart(32, "0");
  const headers: Record<string, string> = {};
  if (traceId !== undefined) headers["traceparent"] = `00-${traceId}-00f067aa0ba902b7-01`;
  if (header !== undefined) headers["x-sallyport-chain"] = header;
  const value = { params: { message: { metadata } } };
  return {
    id,
    request: { headers, method: "POST" },
    route: { protocol: metadata === undefined ? "llm" : "a2a" },
    body: () => Promise.resolve({ bytes: Buffer.alloc(0), value }),
  } as unknown as Arrival;
}
const principal = (id: string, client: string, rest: Partial<Principal> = {}) =>
  ({ id, client, tenant: "", credential: "token", ...rest }) as Principal;

beforeEach(async () => {
  made = 0;
  clock = createTestClock();
  store = await openStore({ kind: "memory" }, { clock, log: silentLog });
  accounts = await createChainAccounts({ store, log: silentLog, meter: createMetrics().meter });
  chains = createChains({
    store,
    accounts,
    tokens: createChainTokens(Buffer.alloc(32, 7), clock),
    agentClients: new Set(["researcher", "writer"]),
    tracer: { begin: (headers, newTraceId) => trace(idOf(headers["traceparent"], newTraceId)) },
  });
});
afterEach(async () => {
  await accounts.close();
  await store.close();
});

const handedTo = (agent: string, from: Joined) => chains.handTo({ chain: from.chain }, agent, agent);
const wayOf = ({ chain: { id, depth, root, path } }: Joined) => ({ id, depth, root, path });
const user = principal("user", "app");

describe("a chain", () => {
  test("starts with a request that shows no trace, under that request's id", async () => {
    const joined = await chains.resolve(request(), user);
    expect(wayOf(joined)).toEqual({ id: "1".padStart(32, "0"), depth: 0, root: "user", path: [] });
  });

  test("goes on with the agent that was handed it, and remembers the way and the account", async () => {
    const root = await chains.resolve(request(), user);
    accounts.add(root.chain.account, 1, 2_000_000_000);
    await handedTo("researcher", root);
    const second = await chains.resolve(request({ trace: root.chain.id }), principal("user", "researcher"));
    expect(wayOf(second)).toEqual({ id: root.chain.id, depth: 1, root: "user", path: ["researcher"] });
    expect(second.chain.spent).toBe(2);
    accounts.taint(second.chain.account, "tool files/read_file");
    expect(root.chain.tainted).toBe(true);
    await handedTo("writer", second);
    const third = await chains.resolve(request({ trace: root.chain.id }), principal("user", "writer"));
    expect(wayOf(third)).toEqual({ id: root.chain.id, depth: 2, root: "user", path: ["researcher", "writer"] });
    expect(third.chain.tainted).toBe(true);
  });

  test.for([
    ["a caller who is no agent", "app"],
    ["an agent that was not handed it", "writer"],
    ["a caller without a client", ""],
  ])("cannot be joined by %s, who starts one of its own", async ([, client = ""]) => {
    const root = await chains.resolve(request(), user);
    await handedTo("researcher", root);
    const other = await chains.resolve(request({ trace: root.chain.id }), principal("other", client));
    expect(other.chain).toMatchObject({ depth: 0, root: "other", path: [] });
    expect(other.chain.id).not.toBe(root.chain.id);
    expect(other.trace.traceId).toBe(other.chain.id);
    accounts.taint(root.chain.account, "tool x");
    expect(other.chain.tainted).toBe(false);
  });
});

describe("a chain token", () => {
  test.for(["metadata", "header"])("joins an agent that lost the trace to its chain, from the %s", async (place) => {
    const root = await chains.resolve(request(), user);
    const token = await handedTo("researcher", root);
    const shown = place === "header" ? request({ header: token }) : request({ metadata: { "sallyport.chain": token } });
    const joined = await chains.resolve(shown, principal("user", "researcher"));
    expect(wayOf(joined)).toEqual({ id: root.chain.id, depth: 1, root: "user", path: ["researcher"] });
    expect(joined.trace.traceId).toBe(root.chain.id);
  });

  test.for(["writer", "app", ""])("is worth nothing with the credentials of %o", async (client) => {
    const root = await chains.resolve(request(), user);
    const token = await handedTo("researcher", root);
    const joined = await chains.resolve(request({ header: token }), principal("user", client));
    expect(joined.chain.id).not.toBe(root.chain.id);
  });

  test("ends after an hour", async () => {
    const root = await chains.resolve(request(), user);
    const token = await handedTo("researcher", root);
    clock.pass(3_600_000);
    const joined = await chains.resolve(request({ header: token }), principal("user", "researcher"));
    expect(joined.chain.id).not.toBe(root.chain.id);
  });

  test("counts for nothing once a byte of it is changed, or when it is none", async () => {
    const root = await chains.resolve(request(), user);
    const token = await handedTo("researcher", root);
    const tampered = Array.from(
      { length: token.length },
      (_, at) => token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1),
    );
    for (const shown of [...tampered, "", ".", "a.b", token.slice(0, 40), token.slice(4), "x".repeat(100_000)]) {
      const joined = await chains.resolve(request({ header: shown }), principal("user", "researcher"));
      // The last letter of base64url may have bits that mean nothing.
      const isSame = Buffer.from(shown, "base64url").equals(Buffer.from(token, "base64url"));
      expect(joined.chain.id === root.chain.id).toBe(isSame);
    }
  });

  test("tells nobody who the user is, nor which way the work has come", async () => {
    const root = await chains.resolve(request(), user);
    const token = await handedTo("researcher", root);
    const read = Buffer.from(token, "base64url").toString("latin1");
    for (const secret of ["user", "researcher", root.chain.id]) expect(read).not.toContain(secret);
    expect(await handedTo("researcher", root)).not.toBe(token);
  });
});

describe("a run", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

  test("groups the requests that one client sends under one trace id of its own", async () => {
    const first = await chains.resolve(request({ trace: traceId }), user);
    const second = await chains.resolve(request({ trace: traceId }), user);
    const other = await chains.resolve(request({ trace: "5".repeat(32) }), user);
    expect(second.chain.id).toBe(first.chain.id);
    expect(second.chain.account).toBe(first.chain.account);
    expect(other.chain.id).not.toBe(first.chain.id);
    expect(first.chain.id).not.toBe(traceId);
    expect(first.chain.id).toMatch(/^[0-9a-f]{32}$/);
    expect(first.trace.traceId).toBe(first.chain.id);
  });

  test.for([
    ["another principal", principal("stranger", "app")],
    ["another client of the same user", principal("user", "other app")],
    ["the same subject in another tenant", principal("user", "app", { tenant: "team-b" })],
    ["an agent that was handed nothing", principal("user", "researcher")],
  ] as const)("is out of reach of %s that sends the same trace id", async ([, stranger]) => {
    const own = await chains.resolve(request({ trace: traceId }), user);
    const theirs = await chains.resolve(request({ trace: traceId }), stranger);
    expect(theirs.chain.id).not.toBe(own.chain.id);
    const guessed = await chains.resolve(request({ trace: own.chain.id }), stranger);
    expect(guessed.chain.id).not.toBe(own.chain.id);
  });

  test("is nothing that callers without a name can have: they are all one principal", async () => {
    const anonymous = principal("anonymous", "", { credential: "anonymous" });
    const first = await chains.resolve(request({ trace: traceId }), anonymous);
    const second = await chains.resolve(request({ trace: traceId }), anonymous);
    expect(second.chain.id).not.toBe(first.chain.id);
  });
});
