import { describe, expect, test } from "vitest";
import { mergeStatus } from "../../../src/k8s/api/merge-status.ts";

const controllerName = "sallyport.dev/gateway";
const now = Date.parse("2026-05-06T07:08:09.123Z");
const merge = (stored: unknown, wanted: Readonly<Record<string, unknown>>) =>
  mergeStatus(stored, wanted, { controllerName, now });
const before = "2026-01-01T00:00:00Z";
const today = "2026-05-06T07:08:09Z";

const condition = (type: string, status: string, more: Readonly<Record<string, unknown>> = {}) => ({
  type,
  status,
  reason: type,
  message: "",
  observedGeneration: 2,
  ...more,
});
const ref = (name: string) => ({ group: "gateway.networking.k8s.io", kind: "Gateway", name });

describe("merging a status", () => {
  test("what says it already is not written", () => {
    const stored = {
      conditions: [condition("Accepted", "True", { lastTransitionTime: before })],
      addresses: [{ value: "a" }],
    };
    expect(merge(stored, { conditions: [condition("Accepted", "True")], addresses: [{ value: "a" }] })).toBeUndefined();
    expect(merge(undefined, { parents: [] })).toBeUndefined();
  });

  test("the time of a condition changes with its status alone", () => {
    const stored = {
      conditions: [
        condition("Accepted", "True", { lastTransitionTime: before }),
        condition("Programmed", "Unknown", { lastTransitionTime: before }),
      ],
    };
    const wanted = [
      condition("Accepted", "True", { reason: "ListenersNotValid", message: "one is not", observedGeneration: 3 }),
      condition("Programmed", "True", { observedGeneration: 3 }),
    ];
    expect(merge(stored, { conditions: wanted })).toEqual({
      conditions: [
        { ...wanted[0], lastTransitionTime: before },
        { ...wanted[1], lastTransitionTime: today },
      ],
    });
  });

  test("conditions of others stay, where they stand", () => {
    const theirs = condition("example.com/Checked", "True", { lastTransitionTime: before });
    const stored = { conditions: [theirs, condition("Accepted", "False", { lastTransitionTime: before })], theirs: 1 };
    expect(merge(stored, { conditions: [condition("New", "True"), condition("Accepted", "True")] })).toEqual({
      conditions: [
        theirs,
        condition("Accepted", "True", { lastTransitionTime: today }),
        condition("New", "True", { lastTransitionTime: today }),
      ],
      theirs: 1,
    });
  });

  test.for([
    ["parents", "parentRef"],
    ["ancestors", "ancestorRef"],
  ] as const)(
    "entries of other controllers among the %s stay, in their order; ours change, come and go",
    ([key, at]) => {
      const entry = (name: string, controller: string, status = "True") => ({
        [at]: ref(name),
        controllerName: controller,
        conditions: [condition("Accepted", status, { lastTransitionTime: before })],
      });
      const stored = {
        [key]: [
          entry("a", "example.com/other"),
          entry("gone", controllerName),
          entry("b", controllerName, "False"),
          entry("b", "example.com/other"),
        ],
      };
      const wanted = {
        [key]: [
          { [at]: ref("b"), controllerName, conditions: [condition("Accepted", "True")] },
          { [at]: ref("new"), controllerName, conditions: [condition("Accepted", "True")] },
        ],
      };
      const changed = [condition("Accepted", "True", { lastTransitionTime: today })];
      expect(merge(stored, wanted)).toEqual({
        [key]: [
          entry("a", "example.com/other"),
          { [at]: ref("b"), controllerName, conditions: changed },
          entry("b", "example.com/other"),
          { [at]: ref("new"), controllerName, conditions: changed },
        ],
      });
      expect(merge(stored, { [key]: [] })).toEqual({
        [key]: [entry("a", "example.com/other"), entry("b", "example.com/other")],
      });
    },
  );

  test("a condition that is set only when true leaves our entry with its cause", () => {
    const mine = (conditions: unknown[]) => ({ parents: [{ parentRef: ref("a"), controllerName, conditions }] });
    const accepted = condition("Accepted", "True", { lastTransitionTime: before });
    const partly = condition("PartiallyInvalid", "True", { lastTransitionTime: before });
    expect(merge(mine([accepted, partly]), mine([condition("Accepted", "True")]))).toEqual(mine([accepted]));
  });

  test("an entry that a server has stripped of its controller is known again, and not written over and over", () => {
    const wanted = { parents: [{ parentRef: ref("a"), controllerName, conditions: [condition("Accepted", "True")] }] };
    const stripped = (status: string) => ({
      parents: [{ parentRef: ref("a"), conditions: [condition("Accepted", status, { lastTransitionTime: before })] }],
    });
    expect(merge(stripped("True"), wanted)).toBeUndefined();
    expect(merge(stripped("False"), wanted)).toMatchObject({
      parents: [{ parentRef: ref("a"), controllerName, conditions: [{ status: "True", lastTransitionTime: today }] }],
    });
    const other = { parents: [{ parentRef: ref("b"), conditions: [condition("Accepted", "True")] }] };
    expect(merge(other, wanted)).toMatchObject({ parents: [{ parentRef: ref("b") }, { parentRef: ref("a") }] });
  });

  test("a message is cut to what the schema allows", () => {
    const wanted = { conditions: [condition("Accepted", "False", { message: "x".repeat(40_000) })] };
    const written = merge({}, wanted);
    expect(written).toMatchObject({ conditions: [{ message: "x".repeat(32_768) }] });
    expect(merge(written, wanted)).toBeUndefined();
  });

  test("two entries of one name differ by section and port", () => {
    const entry = (sectionName: string, status: string) => ({
      parentRef: { ...ref("a"), sectionName },
      controllerName,
      conditions: [condition("Accepted", status, { lastTransitionTime: before })],
    });
    const stored = { parents: [entry("http", "True"), entry("https", "True")] };
    const wanted = { parents: [entry("https", "False"), entry("http", "True")] };
    expect(merge(stored, wanted)).toEqual({
      parents: [
        entry("http", "True"),
        { ...entry("https", "False"), conditions: [condition("Accepted", "False", { lastTransitionTime: today })] },
      ],
    });
  });

  test("listeners follow the specification: one entry each, times kept by name", () => {
    const listener = (name: string, conditions: unknown[], attachedRoutes = 0) => ({
      name,
      attachedRoutes,
      conditions,
    });
    const old = condition("Accepted", "True", { lastTransitionTime: before });
    const stored = { listeners: [listener("gone", [old]), listener("http", [old])] };
    const wanted = {
      listeners: [
        listener("https", [condition("Accepted", "True")]),
        listener("http", [condition("Accepted", "True")], 3),
      ],
    };
    expect(merge(stored, wanted)).toEqual({
      listeners: [
        listener("https", [condition("Accepted", "True", { lastTransitionTime: today })]),
        listener("http", [old], 3),
      ],
    });
  });

  test("what was written for a later generation is not written over", () => {
    const later = {
      conditions: [condition("Accepted", "True", { observedGeneration: 5, lastTransitionTime: before })],
    };
    expect(merge(later, { conditions: [condition("Accepted", "False", { observedGeneration: 4 })] })).toBeUndefined();
    const entry = (observedGeneration: number, status: string, controller = controllerName) => ({
      parents: [
        {
          parentRef: ref("a"),
          controllerName: controller,
          conditions: [condition("Accepted", status, { observedGeneration })],
        },
      ],
    });
    expect(merge(entry(5, "True"), entry(4, "False"))).toBeUndefined();
    expect(merge(entry(5, "True", "example.com/other"), entry(4, "False"))).toBeDefined();
  });

  test.for([[null], ["text"], [{ conditions: "none", parents: [null, 3], listeners: {} }]])(
    "a status that is not one is written anew: %j",
    ([stored]) => {
      expect(merge(stored, { conditions: [condition("Accepted", "True")] })).toMatchObject({
        conditions: [{ type: "Accepted", lastTransitionTime: today }],
      });
    },
  );
});
