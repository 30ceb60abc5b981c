import { describe, expect, test } from "vitest";
import type { Reflector } from "../../../src/k8s/api/reflector.ts";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import type { Fault } from "../api-server/api-server.ts";
import { openScene, route, routes, type Scene } from "./scene.ts";

/** A sequence of numbers from 0 to 1 that is the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const at = ({ server }: Scene) =>
  new Map(
    server.store.list(server.resource("HTTPRoute")).map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
  );
const known = ({ objects }: Reflector) =>
  new Map([...objects.values()].map(({ metadata }) => [metadata.name, metadata.resourceVersion]));

/** What may go wrong with any request. */
const faults: readonly Fault[] = [
  "drop",
  { delayMs: 5 },
  { status: 200, body: "{half" },
  { status: 404, body: "404 page not found" },
  new ApiFailure(410, "Expired", "too old"),
  new ApiFailure(429, "TooManyRequests", "later"),
  new ApiFailure(500, "InternalError", "etcd"),
  new ApiFailure(504, "Timeout", "Timeout: Too large resource version"),
];

describe("whatever goes wrong while objects come and go", () => {
  test.for([1, 2, 3, 4, 5, 6])("what follows them knows in the end what the server has (seed %i)", async (seed) => {
    const random = createRandom(seed);
    const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
    const scene = await openScene();
    const { server } = scene;
    const counts = new Map<string, number>();
    try {
      const reflector = scene.follow(routes);
      server.intercept = () => (random() < 0.3 ? pick(faults) : undefined);
      for (let step = 0; step < 300; step++) {
        const name = `r${Math.floor(random() * 20)}`;
        const dice = random();
        if (dice < 0.5) server.apply(route(name, `/${step}`));
        else if (dice < 0.7) {
          if (at(scene).has(name)) server.delete("HTTPRoute", "default", name);
        } else if (dice < 0.76) for (const watch of server.watches) watch.end();
        else if (dice < 0.82) for (const watch of server.watches) watch.drop();
        else if (dice < 0.86) for (const watch of server.watches) watch.bookmark();
        else if (dice < 0.9)
          for (const watch of server.watches) watch.sendRaw(pick(["{", "null", '{"type":"ERROR"}']) ?? "");
        else if (dice < 0.93) server.compact(Math.floor(random() * 5));
        else if (dice < 0.94) {
          await server.stop();
          await server.start();
        } else await new Promise((resolve) => setTimeout(resolve, 5));
      }
      server.intercept = () => undefined;
      await eventually(() => expect(known(reflector)).toEqual(at(scene)));
      /* And what was told, one after the other, comes to the same. */
      for (const { object, former } of scene.changes) {
        const name = String((object ?? former)?.metadata.name);
        counts.set(name, (counts.get(name) ?? 0) + (former === undefined ? 1 : 0) - (object === undefined ? 1 : 0));
      }
      const present = [...counts].filter(([, count]) => count === 1).map(([name]) => name);
      expect(new Set(present)).toEqual(new Set(at(scene).keys()));
      expect([...counts.values()].every((count) => count === 0 || count === 1)).toBe(true);
    } finally {
      await scene.close();
    }
  });
});
