import { expect, test } from "vitest";
import type { Chain } from "../../src/core/chain.ts";
import type { Principal } from "../../src/core/principal.ts";
import { createLoops } from "../../src/gateway/loops.ts";
import { operation } from "../authz/scene.ts";

const loops = createLoops(
  new Map([
    ["researcher-client", ["researcher"]],
    ["writer-client", ["writer"]],
    ["common", ["left", "right"]],
  ]),
);

interface Scene {
  readonly path?: readonly string[];
  readonly client?: string;
  readonly actors?: readonly string[];
}
const find = ({ path = [], client = "app", actors = [] }: Scene, call: object) =>
  loops.find(
    {
      chain: { path } as unknown as Chain,
      principal: { client, actors: actors.map((subject) => ({ issuer: "i", subject })) } as unknown as Principal,
    },
    operation(call),
  );

test("work may go to agents that are not at it yet", () => {
  expect(find({}, { agent: "researcher" })).toBeUndefined();
  expect(find({ path: ["researcher"], client: "researcher-client" }, { agent: "writer" })).toBeUndefined();
});

test("an agent of the chain is not asked again, whoever asks", () => {
  const path = ["researcher", "writer"];
  expect(find({ path, client: "writer-client" }, { agent: "researcher" })).toEqual([
    "researcher",
    "writer",
    "researcher",
  ]);
  expect(find({ path, client: "writer-client" }, { agent: "writer" })).toEqual(["writer", "writer"]);
  expect(find({ path }, { agent: "researcher", method: "SendStreamingMessage" })).toHaveLength(3);
});

test("an agent does not hand work to itself, also where the chain got lost", () => {
  expect(find({ client: "researcher-client" }, { agent: "researcher" })).toEqual(["researcher", "researcher"]);
});

test("those who act for the user by the token count as well: a lost chain does not hide them", () => {
  const scene = { client: "writer-client", actors: ["writer-client", "researcher-client"] };
  expect(find(scene, { agent: "researcher" })).toEqual(["researcher", "writer", "researcher"]);
  expect(find({ ...scene, actors: ["somebody"] }, { agent: "researcher" })).toBeUndefined();
});

test("asking after a task hands over no work", () => {
  const path = ["researcher", "writer"];
  expect(find({ path }, { agent: "researcher", method: "GetTask", task: { id: "t" } })).toBeUndefined();
  expect(find({ path }, { tool: "researcher" })).toBeUndefined();
});

test("of agents that share one client only the chain says which is at it", () => {
  expect(find({ client: "common" }, { agent: "left" })).toBeUndefined();
  expect(find({ client: "common", path: ["left"] }, { agent: "right" })).toBeUndefined();
  expect(find({ client: "common", path: ["left"] }, { agent: "left" })).toEqual(["left", "left"]);
});
