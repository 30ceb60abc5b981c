import type { Store, StoreScript } from "../../state/store.ts";
import type { Shelves } from "./kept-answers.ts";

/** Where one process keeps its own: as much as it has in memory. */
export const ownShelf: Shelves = {
  names: ["cache-answers"],
  toPut: async () => "cache-answers",
  mostBytes: Number.POSITIVE_INFINITY,
};

const NAMES = ["cache-shared-0", "cache-shared-1"] as const;
const KEY = "cache-shelves";
/* One command: others wait for the server meanwhile. */
const MOST_RECORD_BYTES = 4_194_304;
const EMPTIED_AT_ONCE = 200;

/**
 * KEYS: the count. ARGV: bytes to add, bytes of a full shelf, the turn whose shelf has been emptied or "". `TURN 1` where the shelf of
 * this turn is still to be emptied, `TURN 0` otherwise. Without a count nobody knows what lies there: then it is emptied, too.
 */
const countBytes: StoreScript = {
  name: "cache-shelves",
  lua: `
local count = view.get(KEYS[1]) or { turn = "0", bytes = "0", full = "1" }
local turn, bytes, full = tonumber(count.turn), tonumber(count.bytes), count.full
local add = tonumber(ARGV[1])
if ARGV[3] == count.turn then full = "0" end
if bytes > 0 and bytes + add > tonumber(ARGV[2]) then turn, bytes, full = turn + 1, 0, "1" end
view.set(KEYS[1], { turn = string.format("%.0f", turn), bytes = string.format("%.0f", bytes + add), full = full })
return string.format("%.0f", turn) .. " " .. full
`,
  run(view, [key = ""], [add = "0", most = "0", emptied]) {
    const count = view.get(key) ?? { turn: "0", bytes: "0", full: "1" };
    let [turn, bytes, full] = [Number(count["turn"]), Number(count["bytes"]), count["full"] ?? "1"];
    if (emptied === count["turn"]) full = "0";
    if (bytes > 0 && bytes + Number(add) > Number(most)) [turn, bytes, full] = [turn + 1, 0, "1"];
    view.set(key, { turn: String(turn), bytes: String(bytes + Number(add)), full });
    return `${turn} ${full}`;
  },
};

/**
 * Where replicas keep theirs: two shelves of half the size each. When one is full, the other is emptied and takes what comes: so there is
 * never more than `limitBytes`, what was kept last is there, and nobody has to know what is used.
 */
export function createSharedShelves(store: Store, limitBytes: number): Shelves {
  const shelfBytes = Math.floor(limitBytes / NAMES.length);
  const count = (...args: readonly [add: number, emptied: string]) =>
    store.run(countBytes, [KEY], [String(args[0]), String(shelfBytes), args[1]]);
  return {
    names: NAMES,
    mostBytes: Math.min(shelfBytes, MOST_RECORD_BYTES),
    async toPut(bytes) {
      const [turn = "0", full] = (await count(bytes, "")).split(" ");
      const name = NAMES[Number(turn) % NAMES.length] ?? NAMES[0];
      if (full === "1") {
        while ((await store.trim(name, 0, EMPTIED_AT_ONCE)) === EMPTIED_AT_ONCE);
        await count(0, turn);
      }
      return name;
    },
  };
}
