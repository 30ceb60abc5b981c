import type { StoreScript } from "../../state/store.ts";
import type { ChainTotals } from "./chain-account.ts";

/**
 * Puts one account's part of a chain in place and gives the sum of all parts. Each account writes its own part whole (`o:` operations,
 * `c:` nano-dollars), so writing it twice changes nothing. The first taint stays. An empty slot only reads.
 * Arguments: slot, operations, nano-dollars, tainted by (empty: not), time to live in milliseconds.
 */
export const chainScript: StoreScript = {
  name: "chain.account",
  lua: `
local fields = view.get(KEYS[1]) or {}
local slot = ARGV[1]
if slot ~= "" then
  fields["o:" .. slot] = ARGV[2]
  fields["c:" .. slot] = ARGV[3]
  if ARGV[4] ~= "" and fields["t"] == nil then fields["t"] = ARGV[4] end
  view.set(KEYS[1], fields, tonumber(ARGV[5]))
end
local operations, nanos = 0, 0
for name, value in pairs(fields) do
  local kind = string.sub(name, 1, 2)
  if kind == "o:" then operations = operations + tonumber(value) end
  if kind == "c:" then nanos = nanos + tonumber(value) end
end
return string.format("%.0f %.0f ", operations, nanos) .. (fields["t"] or "")
`,
  run(view, [key = ""], [slot = "", operations = "", nanos = "", taintedBy = "", ttlMs = ""]) {
    const fields = { ...view.get(key) };
    if (slot !== "") {
      fields[`o:${slot}`] = operations;
      fields[`c:${slot}`] = nanos;
      if (taintedBy !== "") fields["t"] ??= taintedBy;
      view.set(key, fields, Number(ttlMs));
    }
    const sum = (kind: string) =>
      Object.entries(fields).reduce(
        (total, [name, value]) => (name.startsWith(kind) ? total + Number(value) : total),
        0,
      );
    return `${sum("o:")} ${sum("c:")} ${fields["t"] ?? ""}`;
  },
};

export function parseTotals(text: string): ChainTotals {
  const [operations = "0", nanos = "0", ...taint] = text.split(" ");
  const taintedBy = taint.join(" ");
  return {
    operations: Number(operations),
    costNanos: Number(nanos),
    taintedBy: taintedBy === "" ? undefined : taintedBy,
  };
}
