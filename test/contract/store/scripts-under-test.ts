import type { StoreScript } from "../../../src/state/store.ts";

/** Takes one while there are fewer than the limit: the shape of every budget. */
export const limitedCounter: StoreScript = {
  name: "limited-counter",
  lua: `
    local limit, by, ttlMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local record = view.get(KEYS[1])
    local used = record and tonumber(record.used) or 0
    if used + by > limit then return "refused " .. string.format("%.0f", used) end
    view.set(KEYS[1], { used = string.format("%.0f", used + by) }, ttlMs)
    return "taken " .. string.format("%.0f", used + by)`,
  run(view, [key], [limit, by, ttlMs]) {
    const used = Number(view.get(key as string)?.["used"] ?? 0);
    if (used + Number(by) > Number(limit)) return `refused ${used}`;
    view.set(key as string, { used: String(used + Number(by)) }, ttlMs === undefined ? undefined : Number(ttlMs));
    return `taken ${used + Number(by)}`;
  },
};

/** Moves between two records, or refuses: both change or neither. */
export const transfer: StoreScript = {
  name: "transfer",
  lua: `
    local from, to = view.get(KEYS[1]) or { n = "0" }, view.get(KEYS[2]) or { n = "0" }
    local amount = tonumber(ARGV[1])
    if tonumber(from.n) < amount then return "short" end
    view.set(KEYS[1], { n = string.format("%.0f", tonumber(from.n) - amount) })
    view.set(KEYS[2], { n = string.format("%.0f", tonumber(to.n) + amount) })
    return "moved"`,
  run(view, [from, to], [amount]) {
    const had = Number(view.get(from as string)?.["n"] ?? 0);
    const has = Number(view.get(to as string)?.["n"] ?? 0);
    if (had < Number(amount)) return "short";
    view.set(from as string, { n: String(had - Number(amount)) });
    view.set(to as string, { n: String(has + Number(amount)) });
    return "moved";
  },
};

/** Writes, reads back and removes fields of any text. */
export const echo: StoreScript = {
  name: "echo",
  lua: `
    if ARGV[1] == "set" then view.set(KEYS[1], { [ARGV[2]] = ARGV[3], other = "1" }) return "" end
    if ARGV[1] == "delete" then view.delete(KEYS[1]) return "" end
    local record = view.get(KEYS[1])
    if not record then return "none" end
    return record[ARGV[2]] or "no field"`,
  run(view, [key], [verb, field, value]) {
    if (verb === "set") return (view.set(key as string, { [field as string]: value as string, other: "1" }), "");
    if (verb === "delete") return (view.delete(key as string), "");
    const record = view.get(key as string);
    return record === undefined ? "none" : (record[field as string] ?? "no field");
  },
};

/** The time by the store's own clock. */
export const clockOf: StoreScript = {
  name: "clock",
  lua: `return string.format("%.0f", view.nowMs)`,
  run: (view) => String(view.nowMs),
};
