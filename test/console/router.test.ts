import { describe, expect, test } from "vitest";
import { addressOf, parsePlace } from "../../src/console/app/router.ts";

describe("the console's addresses", () => {
  test.for([
    ["/", "", { page: "overview", id: undefined, query: {} }],
    ["/overview", "", { page: "overview", id: undefined, query: {} }],
    ["/chains", "?sort=cost&q=team-a", { page: "chains", id: undefined, query: { sort: "cost", q: "team-a" } }],
    ["/chains/01a2%2Fb", "?op=x", { page: "chains", id: "01a2/b", query: { op: "x" } }],
    ["/connect/", "", { page: "connect", id: undefined, query: {} }],
  ] as const)("%s%s is a place", ([path, search, place]) => {
    expect(parsePlace(path, search)).toEqual(place);
  });

  test.for(["/nowhere", "/chains/a/b", "/models/x", "/chains/%E0%A4%A"])("%s leads nowhere", (path) => {
    expect(parsePlace(path, "")).toBeUndefined();
  });

  test("one place has one address: what is empty is left out, and the order is that of the letters", () => {
    expect(addressOf({ page: "chains", query: { sort: "cost", q: "", outcome: "denied" } })).toBe(
      "/chains?outcome=denied&sort=cost",
    );
    expect(addressOf({ page: "overview", query: { window: "24h" } })).toBe("/?window=24h");
  });

  test("an address leads back to the place it was made of, whatever an id or a search holds", () => {
    for (const text of ["a/b", "100 %", "ä&b=c", "#?"]) {
      const address = new URL(addressOf({ page: "chains", id: text, query: { q: text } }), "http://console.test");
      expect(parsePlace(address.pathname, address.search)).toEqual({ page: "chains", id: text, query: { q: text } });
    }
  });
});
