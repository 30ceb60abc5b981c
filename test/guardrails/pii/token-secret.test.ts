import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { openRedisStore } from "../../../src/state/redis.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import type { Store } from "../../../src/state/store.ts";
import { createStoredSecrets } from "../../../src/state/stored-secrets.ts";
import { type RedisServer, startRedis } from "../../state/redis-server.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "../guard-scene.ts";

/* The key of all tokens is made once and kept in the store. */

const deps = createDeps();
const folder = mkdtempSync(join(tmpdir(), "sallyport-secret-"));
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await deps.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

/** A replica as it starts. */
const start = (store: Store) =>
  buildGuardrails([{ type: "pii", mask: ["email"], restore: true }], { ...deps, secret: createStoredSecrets(store) });
type Replica = ReturnType<typeof start>;

async function mask(replica: Replica, text = "alice@example.com") {
  const request = requestOf("llm", text);
  expect(await replica.input(request)).toMatchObject({ pass: true });
  return { request, token: request.slots[0]?.text ?? "" };
}

const sqlite = () =>
  createSqliteStore(
    { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" },
    { clock: systemClock, log: silentLog },
  );
/* `forget`: as the documentation says. */
const stores: readonly (readonly [string, () => Promise<Store>, forget: () => Promise<void>])[] = [
  [
    "a SQLite file",
    async () => sqlite(),
    async () => {
      const database = new DatabaseSync(join(folder, "state.db"));
      database.exec("DELETE FROM records WHERE collection = 'secrets' AND key = 'pii tokens'");
      database.close();
    },
  ],
  [
    "Redis",
    () =>
      openRedisStore(
        { kind: "redis", urls: [redis.url], cluster: false, prefix: "sallyport:", timeoutMs: 10_000, ca: undefined },
        { log: silentLog },
      ),
    async () => {
      const client = new Redis(redis.url);
      await client.del("sallyport:{secrets}:r:pii tokens");
      client.disconnect();
    },
  ],
];

describe.each(stores)("replicas on %s", (_, open, forget) => {
  test("give a value one token, though they start at the same moment, and after they have started again", async () => {
    const opened = await Promise.all([open(), open(), open()]);
    const tokens = await Promise.all(opened.map(async (store) => (await mask(start(store))).token));
    expect(tokens[0]).toMatch(/^\[EMAIL_\w+\]$/);
    expect(new Set(tokens).size).toBe(1);
    await Promise.all(opened.map((store) => store.close()));
    const later = await open();
    expect((await mask(start(later))).token).toBe(tokens[0]);
    await later.close();
  });

  test("let a conversation go on at another: the history that one restored is masked alike by the next", async () => {
    const [first, second] = await Promise.all([open(), open()]);
    const [here, there] = [start(first), start(second)];
    const { request, token } = await mask(here, "I am alice@example.com");
    const watch = here.output(request);
    const said = `${await watch?.push({ ...slotOf(`Hello, ${token.slice("I am ".length)}!`), channel: "c" })}${await watch?.end("c")}`;
    expect(said).toBe("Hello, alice@example.com!");
    const next = requestOf("llm", "I am alice@example.com", said);
    await there.input(next);
    expect(next.slots.map(({ text }) => text)).toEqual([token, `Hello, ${token.slice("I am ".length)}!`]);
    await Promise.all([first.close(), second.close()]);
  });

  test("have another key once the old one was taken out and they have started again, and no answer is lost by that", async () => {
    const store = await open();
    const before = start(store);
    const { request, token } = await mask(before);
    await forget();
    // What runs keeps the key it has.
    expect((await mask(before)).token).toBe(token);
    const after = start(store);
    const renewed = await mask(after);
    expect(renewed.token).not.toBe(token);
    for (const [replica, asked, answer] of [
      [before, request, token],
      [after, renewed.request, renewed.token],
    ] as const)
      expect(await replica.output(asked)?.push({ ...slotOf(answer), channel: "c" })).toBe("alice@example.com");
    // An old token in a new conversation is the caller's own text, and nobody's value.
    const old = await mask(after, `alice@example.com is ${token}`);
    const watch = after.output(old.request);
    expect(`${await watch?.push({ ...slotOf(old.token), channel: "c" })}${await watch?.end("c")}`).toBe(
      `alice@example.com is ${token}`,
    );
    await store.close();
  });
});
