import { silentLog } from "../../src/core/log.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { OperationContext } from "../../src/core/step.ts";

export interface ContextChanges {
  readonly id?: string;
  /** The id of the exchange. */
  readonly request?: string;
  readonly chain?: string;
  readonly principal?: string;
  readonly operation?: Partial<Operation>;
  readonly context?: Partial<OperationContext>;
  readonly startedAtMs?: number;
}

/** The context of one finished tool call, with what a test changes. */
export function createTestContext(changes: ContextChanges = {}): OperationContext {
  const never = (): never => {
    throw new Error("not part of this test");
  };
  const exchange: Exchange = {
    id: changes.request ?? "exchange-1",
    route: {
      path: "/mcp",
      protocol: "mcp",
      audiences: [],
      methods: ["POST"],
      authentication: "required",
      bodyLimitBytes: 1,
    },
    request: {
      method: "POST",
      path: "/mcp",
      query: "",
      headers: {},
      host: "gateway.example",
      scheme: "https",
      ip: "192.0.2.1",
      connection: {},
      receivedAtMs: 1_750_000_000_000,
    },
    principal: {
      id: changes.principal ?? "https://issuer.example|ann",
      issuer: "https://issuer.example",
      subject: "ann",
      client: "client-1",
      tenant: "team-a",
      scopes: [],
      groups: [],
      claims: {},
      actors: [{ issuer: "https://issuer.example", subject: "agent" }],
      credential: "token",
      expiresAtMs: undefined,
      credentialId: undefined,
    },
    trace: {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      parentSpanId: "00f067aa0ba902b7",
      sampled: true,
      tracestate: "",
    },
    chain: {
      id: changes.chain ?? "0af7651916cd43dd8448eb211c80319c",
      depth: 1,
      alone: true,
      root: "root",
      path: ["researcher"],
      spent: 0,
      tainted: false,
    },
    log: silentLog,
    reply: {
      started: false,
      status: 0,
      setHeader: never,
      send: never,
      open: never,
      write: never,
      end: never,
      destroy: never,
    },
    signal: new AbortController().signal,
    body: never,
    bodyStream: never,
  };
  return {
    id: changes.id ?? "operation-1",
    exchange,
    operation: {
      protocol: "mcp",
      method: "tools/call",
      direction: "to-target",
      mode: "call",
      target: { kind: "tool", name: "read_file", server: "files" },
      judged: true,
      variables: {
        mcp: {
          method: "tools/call",
          server: "files",
          tool: { name: "read_file", arguments: { path: "canary-argument" }, annotations: {} },
          resource: { uri: "" },
          prompt: { name: "", arguments: {} },
        },
      },
      ...changes.operation,
    },
    signal: exchange.signal,
    startedAtMs: changes.startedAtMs ?? 1_750_000_000_000,
    candidates: [{ name: "files" }],
    candidate: { name: "files" },
    failed: [],
    decision: { allow: true, rule: "analysts read" },
    edits: [],
    usage: undefined,
    costNanos: undefined,
    upstreamStatus: 200,
    firstByteMs: 3.21,
    answer: undefined,
    ...changes.context,
  };
}
