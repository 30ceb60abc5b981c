import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type AdminActions, type ConsoleOptions, type ConsoleReads, createConsole } from "../../src/console/console.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { createTraffic } from "../../src/observability/traffic.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";

function unexpected(): never {
  throw new GatewayError("internal", "nothing was to be done");
}

const actions: AdminActions = {
  status: unexpected,
  issueKey: async (request) => request,
  listKeys: unexpected,
  revokeKey: unexpected,
  createClient: unexpected,
  listClients: unexpected,
  deleteClient: unexpected,
  resetPasscode: unexpected,
  rotateSigningKeys: unexpected,
  reportSpend: async (query) => ({ query }),
  showCache: unexpected,
  flushCache: unexpected,
  queryJournal: unexpected,
  showChain: unexpected,
  drainEndpoint: (name) => name === "local-0" || name === "team-a/local-0",
};

/** A console without a gateway on a free port, which reads `reads` and nothing else; the call is answered with its status and its error. */
export async function startConsole(reads: Partial<ConsoleReads> = {}) {
  const adminToken = "the-operators-token";
  const options: ConsoleOptions = {
    actions,
    reads: {
      process: "p",
      traffic: createTraffic(Date),
      journal: { query: unexpected },
      counterUse: { kept: unexpected, isAlone: true },
      inFlight: () => 0,
      budgets: unexpected,
      policies: unexpected,
      createTrial: unexpected,
      models: unexpected,
      connect: unexpected,
      ...reads,
    },
    adminToken,
    auth: () => ({ console: undefined }),
    roleOf: () => undefined,
    url: () => undefined,
    sessions: { read: async () => undefined, write: async () => undefined, forget: async () => undefined },
    secret: Buffer.alloc(32),
    clock: systemClock,
    log: silentLog,
  };
  const server = createServer(createConsole(options).app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return async (method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json", ...headers },
      ...(body !== undefined && { body }),
    });
    return { status: response.status, ...(response.status !== 204 && ((await response.json()) as object)) };
  };
}
