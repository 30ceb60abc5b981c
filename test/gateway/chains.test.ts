import { beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { Exchange, TraceContext } from "../../src/core/exchange.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Principal } from "../../src/core/principal.ts";
import { createChains, type Chains } from "../../src/gateway/chains.ts";
import { openStore } from "../../src/state/state.ts";

let chains: Chains;
let made = 0;

const trace = (traceId: string): TraceContext => ({
  traceId,
  spanId: "s",
  parentSpanId: "",
  sampled: true,
  tracestate: "",
});
const request = (traceId?: string) =>
  ({
    id: `new-${++made}`,
    request: { headers: traceId === undefined ? {} : { traceparent: traceId } },
  }) as unknown as Exchange;
const principal = (id: string, client: string) => ({ id, client }) as Principal;

beforeEach(async () => {
  made = 0;
  chains = createChains({
    store: await openStore({ kind: "memory" }, { clock: systemClock, log: silentLog }),
    agentClients: new Set(["researcher", "writer"]),
    tracer: { begin: (headers, newTraceId) => trace(headers["traceparent"] ?? newTraceId) },
  });
});

const handedTo = async (agent: string, from: Awaited<ReturnType<Chains["resolve"]>>) => {
  await chains.handTo({ chain: from.chain } as Exchange, agent, agent);
};

describe("a chain", () => {
  test("starts with a request that shows no trace, under that request's id", async () => {
    const joined = await chains.resolve(request(), principal("user", "app"));
    expect(joined.chain).toEqual({ id: "new-1", depth: 0, root: "user", path: [] });
  });

  test("goes on with the agent that was handed it, and remembers the way", async () => {
    const root = await chains.resolve(request(), principal("user", "app"));
    await handedTo("researcher", root);
    const second = await chains.resolve(request("new-1"), principal("user", "researcher"));
    expect(second.chain).toEqual({ id: "new-1", depth: 1, root: "user", path: ["researcher"] });
    await handedTo("writer", second);
    const third = await chains.resolve(request("new-1"), principal("user", "writer"));
    expect(third.chain).toEqual({ id: "new-1", depth: 2, root: "user", path: ["researcher", "writer"] });
  });

  test.for([
    ["a caller who is no agent", "app"],
    ["an agent that was not handed it", "writer"],
    ["a caller without a client", ""],
  ])("cannot be joined by %s, who starts a new one under an id of its own", async ([, client = ""]) => {
    const root = await chains.resolve(request(), principal("user", "app"));
    await handedTo("researcher", root);
    const other = await chains.resolve(request("new-1"), principal("other", client));
    expect(other.chain).toMatchObject({ id: "new-2", depth: 0, root: "other" });
    expect(other.trace.traceId).toBe("new-2");
  });
});
