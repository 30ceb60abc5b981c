import { expect, test } from "vitest";
import {
  chainSearch,
  isNarrowed,
  narrowings,
  sortOf,
  timeChoices,
  unnarrowed,
} from "../../src/console/app/chain-query.ts";

test("an address asks for chains with calls, newest first; handshakes come along where it says so", () => {
  expect(chainSearch({})).toBe("sort=newest&only=calls");
  expect(chainSearch({ idle: "shown", op: "of another page" })).toBe("sort=newest");
  expect(chainSearch({ q: "bde14f643c3570dbf9581d82eb99d28e" })).toBe("sort=newest&q=bde14f643c3570dbf9581d82eb99d28e");
});

test("what a link narrows to is asked for as it stands, and each part can be taken back alone", () => {
  const query = { rule: "no way out", budget: "trial", error: "upstream_timeout", from: "5", outcome: "denied" };
  expect(chainSearch(query)).toBe(
    "sort=newest&only=calls&outcome=denied&rule=no+way+out&budget=trial&error=upstream_timeout&from=5",
  );
  expect(narrowings(query)).toEqual([
    { text: "Denied by the rule no way out", without: { rule: "" } },
    { text: "Refused by the budget trial", without: { budget: "" } },
    { text: "Failed with upstream timeout", without: { error: "" } },
  ]);
});

test("the order by what was taken is one of a single counter", () => {
  const counter = { charged: "each", under: "200 tokens/day", key: "https://login.example.com#bob" };
  expect(sortOf({ ...counter, sort: "used" })).toBe("used");
  expect(sortOf({ charged: "each", sort: "used" })).toBe("newest");
  expect(sortOf({ sort: "shoe size" })).toBe("newest");
  expect(narrowings(counter)[0]?.text).toBe("Charged in the budget each (200 tokens/day) of bob");
});

test("clearing leaves nothing that narrows", () => {
  expect(isNarrowed({ sort: "cost", idle: "shown" })).toBe(false);
  expect(Object.keys(unnarrowed).every((name) => isNarrowed({ [name]: "1" }))).toBe(true);
});

test("a time of the address is among the choices, whatever it is", () => {
  const now = Date.UTC(2026, 10, 24, 2, 30, 30);
  const hour = `${Date.UTC(2026, 10, 24, 1, 30)}~`;
  expect(timeChoices({}, now).map(([value]) => value)).toContain(hour);
  expect(timeChoices({ from: hour.slice(0, -1) }, now).filter(([value]) => value === hour)).toHaveLength(1);
  expect(timeChoices({ from: "1000", to: "2000" }, now)[1]?.[0]).toBe("1000~2000");
  expect(timeChoices({ from: "soon" }, now)[1]).toEqual(["soon~", "Since soon"]);
});
