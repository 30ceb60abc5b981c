import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { createContests } from "../../../src/k8s/api/contests.ts";
import { eventually } from "../../e2e/eventually.ts";
import { freePort } from "../../free-port.ts";
import { startApiServer } from "../api-server/api-server.ts";
import { applyShop, mainGateway, startReplica, startShop } from "./cluster-scene.ts";
import { createLineLog, quickPace } from "./scene.ts";

test("two gateways of one name, whose namespaces overlap, cease to write against each other, and say why", async () => {
  const server = await startApiServer();
  onTestFinished(() => server.stop().catch(() => undefined));
  applyShop(server, await startShop("one"));
  /* What a port is to one and not to the other is one status to one and another to the other. */
  server.apply(mainGateway({ port: 8090 }));
  const one = await startReplica(server, { base: `kubernetes: {ports: {80: 0, 8090: ${await freePort()}}}\n` });
  const other = await startReplica(server, { namespaces: ["default"], base: "kubernetes: {ports: {80: 0}}\n" });
  const said = () =>
    [one, other].map(({ log }) =>
      log.lines.filter(({ message }) => message.startsWith("another gateway writes statuses under the same name")),
    );
  await eventually(() => expect(said().some((lines) => lines.length > 0)).toBe(true));
  const writes = () => server.requests.filter(({ verb, subresource }) => verb === "update" && subresource === "status");
  await Promise.all([one.cluster.idle(), other.cluster.idle()]);
  const count = writes().length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(writes().length).toBe(count);
  expect(count).toBeLessThan(60);
  expect(said().every((lines) => lines.length <= 1)).toBe(true);
  expect(said().flat()[0]).toMatchObject({ level: "error", fields: { controllerName: "sallyport.dev/gateway" } });
});

test("what is left alone is written again after a while, and at once where something else is to be said", () => {
  let now = 1_000;
  const log = createLineLog();
  const contests = createContests({
    clock: { ...systemClock, monotonic: () => now },
    log,
    pace: quickPace,
    controllerName: () => "sallyport.dev/gateway",
    again: () => undefined,
  });
  onTestFinished(() => contests.close());
  for (let times = 0; times < 20; times++) contests.written("changing", { times });
  expect(contests.isLeft("changing", { times: 19 })).toBe(false);
  for (let times = 0; times < 20; times++, now += 20_000) contests.written("rare", { conditions: [] });
  expect(contests.isLeft("rare", { conditions: [] })).toBe(false);
  for (let times = 0; times < 6; times++) contests.written("fought over", { conditions: [] });
  expect(contests.isLeft("fought over", { conditions: [] })).toBe(true);
  expect(contests.isLeft("fought over", { conditions: ["another"] })).toBe(false);
  now += quickPace.contestedMs + 1;
  expect(contests.isLeft("fought over", { conditions: [] })).toBe(false);
  contests.written("fought over", { conditions: [] });
  expect(contests.isLeft("fought over", { conditions: [] })).toBe(true);
  expect(log.lines.length).toBe(1);
});
