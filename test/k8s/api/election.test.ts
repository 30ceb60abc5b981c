import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { type Election, startElection } from "../../../src/k8s/api/election.ts";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import { openScene, type Scene } from "./scene.ts";

let scene: Scene;
let elections: Election[];
const turns = new Map<string, boolean>();

beforeEach(async () => {
  scene = await openScene();
  elections = [];
  turns.clear();
});
afterEach(async () => {
  for (const election of elections) await election.close();
  await scene.close();
});

function join(identity: string, leaseMs = 600): Election {
  const { client, log } = scene;
  const election = startElection({
    client,
    log,
    clock: systemClock,
    namespace: "sallyport",
    name: "gateway",
    identity,
    leaseMs,
    changed(elected) {
      turns.set(identity, elected);
      /* Never two at one time. */
      expect([...turns.values()].filter(Boolean).length).toBeLessThanOrEqual(1);
    },
  });
  elections.push(election);
  return election;
}
const lease = () => scene.server.get("Lease", "sallyport", "gateway")["spec"] as Record<string, unknown>;
const elected = (identity: string) => eventually(() => expect(turns.get(identity)).toBe(true), 200);

describe("taking turns", () => {
  test("one of two is elected, and the other one at once when the first gives up its turn", async () => {
    const first = join("first");
    await elected("first");
    join("second");
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect([...turns]).toEqual([["first", true]]);
    expect(lease()).toMatchObject({ holderIdentity: "first", leaseTransitions: 1, leaseDurationSeconds: 1 });
    await first.close();
    expect(lease()).toMatchObject({ holderIdentity: "" });
    await elected("second");
    expect(lease()).toMatchObject({ holderIdentity: "second", leaseTransitions: 2 });
  });

  test("the turn of one that died ends by itself, measured by the clock of whoever waits", async () => {
    scene.server.apply({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "gateway", namespace: "sallyport" },
      /* A clock that is years ahead. */
      spec: {
        holderIdentity: "dead",
        leaseDurationSeconds: 1,
        renewTime: "2099-01-01T00:00:00.000000Z",
        leaseTransitions: 4,
      },
    });
    const began = performance.now();
    join("heir");
    await elected("heir");
    expect(performance.now() - began).toBeGreaterThan(950);
    expect(lease()).toMatchObject({ holderIdentity: "heir", leaseTransitions: 5 });
  });

  test("one that cannot renew its turn gives it up before others may take it", async () => {
    join("first");
    await elected("first");
    scene.server.intercept = () => "hang";
    await eventually(() => expect(turns.get("first")).toBe(false));
    scene.server.intercept = () => undefined;
    await elected("first");
  });

  test("of two that ask at one time the one whom the server took first is elected", async () => {
    for (const identity of ["a", "b", "c", "d"]) join(identity);
    await eventually(() => expect([...turns.values()].filter(Boolean)).toHaveLength(1));
    expect(turns.get(String(lease()["holderIdentity"]))).toBe(true);
  });

  test("says what it may not, once, and is not elected until it may", async () => {
    scene.server.intercept = () => new ApiFailure(403, "Forbidden", "leases is forbidden");
    join("first", 60);
    await eventually(() => expect(scene.server.requests.length).toBeGreaterThan(3));
    expect(turns.size).toBe(0);
    expect(scene.log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    scene.server.intercept = () => undefined;
    await elected("first");
  });
});
