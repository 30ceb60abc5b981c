import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type AdminActions, type ConsoleOptions, createConsole } from "../../src/console/console.ts";
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

/** The admin API on a free port; the call is answered with its status and its error. */
async function startConsole() {
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

test("a body that cannot be taken is refused with its own reason", async () => {
  const call = await startConsole();
  const named = (length: number) => JSON.stringify({ name: "x".repeat(length - 11) });
  expect(await call("POST", "/api/keys", named(65_536))).toMatchObject({ status: 201 });
  expect(await call("POST", "/api/keys", named(65_537))).toEqual({
    status: 413,
    error: { type: "too_large", message: "The body may have 65536 bytes." },
  });
  expect(await call("POST", "/api/keys", "{")).toEqual({
    status: 400,
    error: { type: "invalid_request", message: "The body is not JSON." },
  });
  expect(await call("POST", "/api/keys", "{}", { "content-encoding": "rot13" })).toMatchObject({ status: 415 });
  expect(await call("POST", "/api/keys", "{}", { "content-type": "application/json; charset=latin1" })).toEqual({
    status: 415,
    error: { type: "unsupported_media", message: "The body must be JSON in UTF-8." },
  });
});

test("a path that cannot be read is not taken for a bad body", async () => {
  const call = await startConsole();
  expect(await call("DELETE", "/api/keys/%zz")).toEqual({
    status: 400,
    error: { type: "invalid_request", message: "The request cannot be read." },
  });
});

test("who spent what is asked for by query, and not without the operator's token", async () => {
  const call = await startConsole();
  expect(await call("GET", "/api/spend?by=model&window=month")).toEqual({
    status: 200,
    query: { by: "model", window: "month" },
  });
  expect(await call("GET", "/api/spend", undefined, { authorization: "Bearer no" })).toMatchObject({ status: 401 });
});

test("an endpoint of a pool is drained and taken back by its name", async () => {
  const call = await startConsole();
  expect(await call("PUT", "/api/endpoints/local-0/drain")).toEqual({ status: 204 });
  expect(await call("PUT", "/api/endpoints/team-a/local-0/drain")).toEqual({ status: 204 });
  expect(await call("DELETE", "/api/endpoints/local-0/drain")).toEqual({ status: 204 });
  expect(await call("PUT", "/api/endpoints/local-1/drain")).toMatchObject({
    status: 404,
    error: { message: "No endpoint of a pool has this name." },
  });
});
