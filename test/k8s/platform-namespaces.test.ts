import { expect, test } from "vitest";
import { isPlatform } from "../../src/k8s/options.ts";
import { toOptions } from "../../src/k8s/to-options.ts";

const named = { kubernetes: { platformNamespaces: ["infra"] } };

test.each([
  ["in a folder every namespace is the platform's", {}, { source: "folder" }, ["infra", "team-a", "gateway"]],
  ["in a cluster that of the gateway's own pod", {}, { source: "cluster", podNamespace: "gateway" }, ["gateway"]],
  ["outside of a pod none is", {}, { source: "cluster" }, []],
  ["in a cluster those that are named", named, { source: "cluster", podNamespace: "gateway" }, ["infra"]],
  ["in a folder those that are named", named, { source: "folder" }, ["infra"]],
] as const)("%s", (_, base, given, platform) => {
  const options = toOptions(base, given);
  expect(["infra", "team-a", "gateway"].filter((name) => isPlatform(options, name)).toSorted()).toEqual(
    [...platform].toSorted(),
  );
});
