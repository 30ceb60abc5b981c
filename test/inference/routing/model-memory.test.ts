import { describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { silentLog } from "../../../src/core/log.ts";
import { readAnswerIds } from "../../../src/inference/routing/answer-id.ts";
import { createModelMemory } from "../../../src/inference/routing/model-memory.ts";
import { createMemoryStore } from "../../../src/state/memory.ts";
import type { Store } from "../../../src/state/store.ts";
import { caller } from "../../authz/scene.ts";

const ada = caller({ subject: "ada", tenant: "team-a" });
const place = { caller: ada, virtual: "smart", asked: "What is the weather?" };

/** As replicas share it. */
const sharedStore = (more: Partial<Store> = {}): Store => {
  const store = createMemoryStore({ clock: systemClock, log: silentLog });
  const durability = { ...store.durability, sharedAcrossReplicas: true };
  return { ...store, durability, ...more };
};

describe("who answered is remembered", () => {
  test("by an id of the answer, for the same caller, tenant and virtual model alone", async () => {
    const store = sharedStore();
    for (const memory of [createModelMemory({ store, log: silentLog }), createModelMemory({ store, log: silentLog })]) {
      memory.keep(place, "call_1", "large");
      expect(await memory.find(place, ["call_0", "call_1"])).toBe("large");
      expect(await memory.find(place, ["call_2"])).toBeUndefined();
      expect(await memory.find(place, [])).toBeUndefined();
      for (const other of [
        caller({ subject: "eve", tenant: "team-a" }),
        caller({ subject: "ada", tenant: "team-b" }),
        caller({ subject: "ada", tenant: "team-a", issuer: "https://other.example.com" }),
      ])
        expect(await memory.find({ ...place, caller: other }, ["call_1"])).toBeUndefined();
      expect(await memory.find({ ...place, virtual: "other" }, ["call_1"])).toBeUndefined();
    }
  });

  test("by what was asked too, as some servers number calls anew in each conversation, and by the id where that is gone", async () => {
    const memory = createModelMemory({ store: sharedStore(), log: silentLog });
    const other = { ...place, asked: "Prove it." };
    memory.keep(place, "functions.look:0", "small");
    memory.keep(other, "functions.look:0", "large");
    expect(await memory.find(place, ["functions.look:0"])).toBe("small");
    expect(await memory.find(other, ["functions.look:0"])).toBe("large");
    expect(await memory.find({ ...place, asked: "" }, ["functions.look:0"])).toBe("large");
    const store = sharedStore();
    const [here, there] = [createModelMemory({ store, log: silentLog }), createModelMemory({ store, log: silentLog })];
    here.keep(place, "functions.look:0", "small");
    there.keep(other, "functions.look:0", "large");
    expect(await there.find(place, ["functions.look:0"])).toBe("small");
  });

  test("by every replica of one state, and nowhere else where a state is nobody else's", async () => {
    const store = sharedStore();
    createModelMemory({ store, log: silentLog }).keep(place, "call_1", "large");
    expect(await createModelMemory({ store, log: silentLog }).find(place, ["x", "call_1"])).toBe("large");
    const alone = createMemoryStore({ clock: systemClock, log: silentLog });
    const put = vi.spyOn(alone, "put");
    createModelMemory({ store: alone, log: silentLog }).keep(place, "call_1", "large");
    expect(put).not.toHaveBeenCalled();
  });

  test("with nothing a reader of the state could learn from", async () => {
    const put = vi.fn<Store["put"]>(async () => 1);
    createModelMemory({ store: sharedStore({ put }), log: silentLog }).keep(place, "call_1", "large");
    const [collection, key, value, options] = put.mock.calls[0]!;
    expect([collection, value]).toEqual(["routes", "large"]);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(options?.ttlMs).toBe(86_400_000);
  });

  test("as far as the state answers: one that is away or slow keeps nobody waiting", async () => {
    const away = async () => {
      throw new GatewayError("state_unavailable", "away");
    };
    const memory = createModelMemory({ store: sharedStore({ get: away, put: away }), log: silentLog });
    memory.keep(place, "call_1", "large");
    expect(await memory.find(place, ["call_1"])).toBe("large");
    expect(await memory.find(place, ["call_2"])).toBeUndefined();
    const slow = createModelMemory({ store: sharedStore({ get: () => new Promise(() => {}) }), log: silentLog });
    expect(await slow.find(place, ["call_2"])).toBeUndefined();
  });

  test("within bounds: those kept longest ago are forgotten", async () => {
    const memory = createModelMemory({
      store: createMemoryStore({ clock: systemClock, log: silentLog }),
      log: silentLog,
    });
    for (let count = 0; count <= 20_000; count++) memory.keep(place, `call_${count}`, "large");
    expect(await memory.find(place, ["call_0"])).toBeUndefined();
    expect(await memory.find(place, ["call_1"])).toBe("large");
    expect(await memory.find(place, ["call_20000"])).toBe("large");
  });
});

describe("the ids of an answer", () => {
  const container = { id: "container_1", expires_at: "2026-11-23T00:00:00Z" };
  test.each([
    [{ choices: [{ message: { tool_calls: [{ id: "call_1" }, { id: "call_2" }] } }] }, ["call_1"]],
    [{ choices: [{ delta: { tool_calls: [{ index: 0, id: "call_1" }] } }] }, ["call_1"]],
    [{ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: "{" } }] } }] }, []],
    [{ choices: [{ message: { content: "hi" } }] }, []],
    [{ choices: [] }, []],
    [{ content: [{ type: "text" }, { type: "tool_use", id: "toolu_1" }], container }, ["toolu_1", "container_1"]],
    [{ content: [{ type: "text", text: "hi" }] }, []],
    [{ type: "content_block_start", content_block: { type: "tool_use", id: "toolu_1" } }, ["toolu_1"]],
    [{ type: "content_block_start", content_block: { type: "server_tool_use", id: "srv_1" } }, ["srv_1"]],
    [{ type: "content_block_start", content_block: { type: "text", text: "" } }, []],
    [{ type: "message_start", message: { id: "msg_1", content: [], container } }, ["container_1"]],
    [{ type: "message_delta", delta: { stop_reason: "tool_use", container } }, ["container_1"]],
    [{ type: "message_delta", delta: { stop_reason: "end_turn", container: null } }, []],
    [{ choices: "junk", content: 7 }, []],
    [{ content: [null, 7, { type: 3 }, { type: "tool_use", id: 9 }] }, []],
    [null, []],
    ["[DONE]", []],
  ])("%j", (value, ids) => {
    expect(readAnswerIds(value)).toEqual(ids.map((id) => ({ id, isKept: id.startsWith("container") })));
  });
});
