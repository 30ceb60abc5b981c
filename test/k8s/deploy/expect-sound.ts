import assert from "node:assert/strict";
import { faultsOf, grantsIn } from "./demands.ts";
import type { Manifest } from "./manifests.ts";
import { openBlocks, openWays, outside } from "./network.ts";
import { grants, placeholder, unfilled } from "./wanted.ts";

/** That nothing is wrong with a gateway that does not follow the cluster, and that these ways are open. */
export function expectSound(objects: readonly Manifest[], ways: readonly string[], blocks: readonly string[]): void {
  assert.deepEqual(faultsOf(objects), []);
  assert.deepEqual(openWays(objects, outside), ways);
  assert.deepEqual(openBlocks(objects), blocks);
  assert.deepEqual(grantsIn(objects), {});
}

/** Nothing is wrong with it but that the API server's address is to be filled in; then nothing is. */
export function expectFollowing(
  objects: readonly Manifest[],
  ways: readonly string[],
  blocks: readonly string[],
): void {
  assert.deepEqual(faultsOf(objects), [unfilled]);
  const filled = JSON.parse(JSON.stringify(objects).replaceAll(placeholder, "172.18.0.2")) as readonly Manifest[];
  assert.deepEqual(faultsOf(filled), []);
  assert.deepEqual(openWays(objects, outside), ways);
  assert.deepEqual(openBlocks(objects), blocks);
  assert.deepEqual(grantsIn(objects), grants);
}
