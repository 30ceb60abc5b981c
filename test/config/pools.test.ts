import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config/load.ts";
import { makeFolder } from "./config-folder.ts";

const endpoints = 'endpoints: ["http://vllm-0:8000"]';

test.each([
  [`{engine: vlm, ${endpoints}}`, "pools.p.engine", 'did you mean "vllm"?'],
  ["{engine: vllm}", "pools.p", "give either `endpoints` or `dns`"],
  [`{engine: vllm, ${endpoints}, pick: fastest}`, "pools.p.pick", "expected one of sticky-until-saturated, classic"],
  [`{engine: vllm, ${endpoints}, pick: {scorers: [{type: nearest}]}}`, "pools.p.pick.scorers[0].type", "queue-scorer"],
  [
    `{engine: vllm, ${endpoints}, pick: {scorers: [{type: queue-scorer, wait: 1}]}}`,
    "pools.p.pick.scorers[0].wait",
    "known here: type, weight",
  ],
  [`{engine: vllm, ${endpoints}, metrics: {evry: 1s}}`, "pools.p.metrics.evry", 'did you mean "every"?'],
  [`{engine: vllm, ${endpoints}, metrics: none}`, "pools.p.metrics", "expected off"],
  [
    `{engine: vllm, ${endpoints}, priority: [{when: "principal.team == 'x'", is: 1}]}`,
    "pools.p.priority[0].when",
    "principal has no field team",
  ],
  [`{engine: vllm, ${endpoints}, queue: {ttl: 0s}}`, "pools.p.queue.ttl", "more than nothing"],
])("a pool of %s is refused at its place, with the fix", (pool, place, fix) => {
  const folder = makeFolder();
  writeFileSync(folder.at("s.yaml"), `policies: open\nmodels: {m: {pool: p}}\npools: {p: ${pool}}\n`);
  const read = readConfig(folder.at("s.yaml"), { env: {} });
  const message = read.config === undefined ? read.error.message : "";
  expect(message).toContain(place);
  expect(message).toContain(fix);
  expect(message).toContain("1 problem");
});
