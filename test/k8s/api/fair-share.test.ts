import { expect, test } from "vitest";
import type { Followed } from "../../../src/k8s/api/api-object.ts";
import { type Known, onDemandKey, shareOut } from "../../../src/k8s/api/fair-share.ts";

const secret = (namespace: string, name?: string): Followed => ({
  group: "",
  kind: "Secret",
  plural: name === undefined ? "pods" : "secrets",
  versions: ["v1"],
  namespace,
  name,
});
const many = (namespace: string, count: number) =>
  Array.from({ length: count }, (_, index) => secret(namespace, `s${index}`));

test("a namespace has so many of its own, and those that are there already before all others", () => {
  const found = secret("a", "s150");
  const { taken, denied } = shareOut(many("a", 160), (key) => (key === onDemandKey(found) ? "found" : undefined));
  expect(taken.size).toBe(100);
  expect(taken.has(onDemandKey(found))).toBe(true);
  expect(denied.size).toBe(60);
  expect(denied.get("secrets a s120")).toContain("160 Secrets and ConfigMaps of namespace a are named");
});

test("what is there stays and a newcomer has a turn, however much is asked for in however many namespaces", () => {
  const hoarders = Array.from({ length: 20 }, (_, index) => many(`hoarder-${index}`, 100)).flat();
  const mine = many("mine", 50);
  const keys = new Set(mine.map(onDemandKey));
  const known = (key: string): Known => (keys.has(key) ? "found" : key.includes("hoarder") ? "followed" : undefined);
  const { taken, denied } = shareOut([...hoarders, ...mine, secret("late", "tls")], known);
  expect(taken.size).toBe(1_000);
  expect([...keys].every((key) => taken.has(key))).toBe(true);
  expect(taken.has("secrets late tls")).toBe(true);
  expect([...denied.values()].every((why) => why.includes("in all"))).toBe(true);
});

test("namespaces whose pods are followed are no part of that", () => {
  const pools = Array.from({ length: 300 }, (_, index) => secret(`pool-${index}`));
  const { taken, denied } = shareOut([...many("a", 500), ...pools], () => undefined);
  expect(pools.every((each) => taken.has(onDemandKey(each)))).toBe(true);
  expect(denied.size).toBe(400);
});
