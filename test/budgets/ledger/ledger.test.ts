import { afterAll, beforeAll } from "vitest";
import { describeLedger } from "../../contract/ledger.contract.ts";
import { type RedisServer, startRedis } from "../../state/redis-server.ts";
import { ledgerKinds } from "./ledgers.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

for (const [name, open] of Object.entries(ledgerKinds)) describeLedger(`a ledger in ${name}`, () => open(server));
