import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { Reflector } from "../../../src/k8s/api/reflector.ts";
import { createStatusWriter, type StatusWriter, type WantedStatus } from "../../../src/k8s/api/status-writer.ts";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import type { Fault } from "../api-server/api-server.ts";
import { openScene, quickPace, route, routes, type Scene } from "./scene.ts";

const controllerName = "sallyport.dev/gateway";
let scene: Scene;
let writer: StatusWriter;
let reflector: Reflector;

beforeEach(async () => {
  scene = await openScene();
  const { client, log, metrics } = scene;
  writer = createStatusWriter({
    client,
    log,
    metrics,
    clock: systemClock,
    pace: quickPace,
    controllerName: () => controllerName,
  });
  writer.setActive(true);
});
afterEach(async () => {
  await writer.close();
  await scene.close();
});

const parents = (status: string, observedGeneration = 1) => ({
  parents: [
    {
      parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "main" },
      controllerName,
      conditions: [{ type: "Accepted", status, reason: "Accepted", message: "", observedGeneration }],
    },
  ],
});
const wants = (name: string, status = parents("True"), generation = 1): [string, WantedStatus] => [
  name,
  { followed: routes, status, generation, current: () => reflector.objects.get(`default/${name}`) },
];
const follow = async () => {
  reflector = scene.follow();
  await reflector.settled;
};
const stored = (name: string) => scene.server.get("HTTPRoute", "default", name)["status"];
const puts = () => scene.server.requests.filter(({ verb }) => verb === "update");
const onPut = (fault: (put: number) => Fault) => {
  let count = 0;
  scene.server.intercept = ({ verb }) => (verb === "update" ? fault(++count) : undefined);
};

describe("writing statuses", () => {
  test("writes what differs, once, and leaves generation and spec alone", async () => {
    scene.server.apply(route("a"));
    scene.server.apply(route("b"));
    await follow();
    writer.plan(new Map([wants("a"), wants("b")]));
    await writer.idle();
    expect(stored("a")).toMatchObject(parents("True"));
    expect(scene.server.get("HTTPRoute", "default", "a")).toMatchObject({ ...route("a"), metadata: { generation: 1 } });
    await eventually(() => expect(reflector.objects.get("default/b")?.["status"]).toBeDefined());
    writer.plan(new Map([wants("a"), wants("b")]));
    writer.recheck("a");
    await writer.idle();
    expect(
      puts()
        .map(({ name, subresource }) => `${name}/${subresource}`)
        .toSorted(),
    ).toEqual(["a/status", "b/status"]);
    expect(await scene.page()).toContain('kubernetes_status_writes_total{kind="httproutes",result="written"} 2');
  });

  test("reads again what somebody else has changed meanwhile, and keeps that", async () => {
    scene.server.apply(route("a"));
    await follow();
    const theirs = {
      parentRef: { name: "other" },
      controllerName: "example.com/other",
      conditions: [
        { type: "Accepted", status: "True", reason: "Fine", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
      ],
    };
    onPut((put) => {
      if (put === 1) scene.server.apply({ ...route("a"), status: { parents: [theirs] } });
      return undefined;
    });
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    expect(stored("a")).toEqual({ parents: [theirs, expect.objectContaining({ controllerName })] });
    expect(puts()).toHaveLength(2);
  });

  test("what was made for an older generation is not written when the object has changed meanwhile", async () => {
    scene.server.apply(route("a"));
    await follow();
    onPut((put) => {
      if (put === 1) scene.server.apply(route("a", "/changed"));
      return undefined;
    });
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    expect(stored("a")).toBeUndefined();
    expect(puts()).toHaveLength(1);
  });

  test("an object that is gone is let go of", async () => {
    scene.server.apply(route("a"));
    await follow();
    onPut(() => {
      scene.server.delete("HTTPRoute", "default", "a");
      return undefined;
    });
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    expect(puts()).toHaveLength(1);
    expect(await scene.page()).toContain('result="gone"} 1');
  });

  test("a server that fails is tried again; one that says no is told of once", async () => {
    scene.server.apply(route("a"));
    scene.server.apply(route("b"));
    await follow();
    onPut((put) => (put === 1 ? "drop" : put === 2 ? new ApiFailure(503, "ServiceUnavailable", "busy") : undefined));
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    expect(stored("a")).toMatchObject(parents("True"));

    onPut(() => new ApiFailure(403, "Forbidden", "httproutes/status is forbidden"));
    writer.plan(new Map([wants("a", parents("False")), wants("b")]));
    await writer.idle();
    expect(scene.log.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
      "not allowed to write the status of httproutes: give the service account update on httproutes/status",
    ]);
    expect(stored("b")).toBeUndefined();
    /* Tried again after a while, without anything else having changed. */
    scene.server.intercept = () => undefined;
    await eventually(() => expect(stored("b")).toMatchObject(parents("True")));
  });

  test("a status that the server's schema refuses is said and not tried again", async () => {
    scene.server.apply(route("a"));
    await follow();
    writer.plan(new Map([wants("a", parents("Perhaps"))]));
    await writer.idle();
    expect(puts()).toHaveLength(1);
    expect(scene.log.lines.find(({ level }) => level === "warn")?.fields["reason"]).toContain("Unsupported value");
    writer.plan(new Map([wants("a", parents("Perhaps"))]));
    await writer.idle();
    expect(puts()).toHaveLength(1);
    writer.plan(new Map([wants("a", parents("False"))]));
    await writer.idle();
    expect(stored("a")).toMatchObject(parents("False"));
  });

  test("writes nothing while it is another replica's turn, and what is due when its own comes", async () => {
    scene.server.apply(route("a"));
    await follow();
    writer.setActive(false);
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    expect(puts()).toEqual([]);
    writer.setActive(true);
    await writer.idle();
    expect(stored("a")).toMatchObject(parents("True"));
  });

  test("puts right what somebody else took away", async () => {
    scene.server.apply(route("a"));
    await follow();
    writer.plan(new Map([wants("a")]));
    await writer.idle();
    scene.server.apply({ ...route("a"), status: { parents: [] } });
    await eventually(() => expect(reflector.objects.get("default/a")?.["status"]).toEqual({ parents: [] }));
    writer.recheck("a");
    await writer.idle();
    expect(stored("a")).toMatchObject(parents("True"));
  });

  test("a thousand statuses are written with four requests at one time", async () => {
    for (let count = 0; count < 1_000; count++) scene.server.apply(route(`r${count}`));
    await follow();
    let open = 0;
    let most = 0;
    scene.server.intercept = ({ verb }) => {
      if (verb !== "update") return undefined;
      most = Math.max(most, ++open);
      setTimeout(() => (open -= 1), 1);
      return { delayMs: 1 };
    };
    writer.plan(new Map(Array.from({ length: 1_000 }, (_, count) => wants(`r${count}`))));
    await writer.idle();
    expect(puts()).toHaveLength(1_000);
    expect(most).toBeLessThanOrEqual(4);
    expect(stored("r999")).toMatchObject(parents("True"));
  });

  test("ends what has begun and begins nothing more when it is closed", async () => {
    for (let count = 0; count < 20; count++) scene.server.apply(route(`r${count}`));
    await follow();
    onPut(() => "hang");
    writer.plan(new Map(Array.from({ length: 20 }, (_, count) => wants(`r${count}`))));
    await eventually(() => expect(puts()).toHaveLength(4));
    await writer.close();
    expect(puts()).toHaveLength(4);
  });
});
