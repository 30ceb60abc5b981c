import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config/load.ts";
import { makeFolder } from "./config-folder.ts";

const models = "big: {provider: openai, key: k}, little: {provider: vllm}";
const model = (entry: string) => `models: {${models}, m: ${entry}}`;
const smart = (when: string) => model(`{choose: [{when: '${when}', use: big}], otherwise: little}`);
const routing = "routing: {classifiers: {topic: {url: 'http://c/p', labels: [code, law]}}}";
const pool = (more: string) => `pools: {p: {engine: vllm, ${more}}}`;

test.each([
  [model("{pool: p, url: 'http://v'}"), "models.m.url", "does not go with `pool`"],
  [
    model("{choose: [{when: 'true', use: big}], otherwise: little, fallback: [little]}"),
    "models.m.fallback",
    "does not go with `choose`",
  ],
  [smart("llm.complexity > 60"), "models.m.choose[0].when", "1:18: llm.complexity is from 0 to 1, and this is 60"],
  [smart("llm.tokens > 100"), "models.m.choose[0].when", "llm.tokens is no value; it has input, output"],
  [
    smart('mcp.server == "x"'),
    "models.m.choose[0].when",
    "mcp cannot be used here; usable here: principal, request, llm",
  ],
  [
    `${smart('llm.class("topic") == "cod"')}\n${routing}`,
    "models.m.choose[0].when",
    'no label "cod"; did you mean code?',
  ],
  ["routing: {embedder: minilm}", "routing.embedder", "`lexical`, or a model: {model: NAME}"],
  ["cache: {ttl: 60}", "cache.ttl", "a duration such as 30s; units: ms, s, m, h, d"],
  ["cache: {size: 10}", "cache.size", "a size such as 4MiB"],
  ["cache: {semantic: {threshold: 85}}", "cache.semantic.threshold", "expected at most 1"],
  ["cache: {semantic: {vectors: pinecone}}", "cache.semantic.vectors", "`memory`, {chroma: {url: …}} or"],
  [pool("endpoints: ['http://v:80', 'http://v/']"), "pools.p.endpoints", "listed twice"],
  [pool("endpoints: ['http://v'], headers: {Host: x}"), "pools.p.headers.Host", "does not write itself"],
  [pool("dns: vllm.models.svc"), "pools.p.dns", "expected an http or https address"],
  ["pools: {p: {endpoints: ['http://v']}}", "pools.p.engine", "is missing: expected one of vllm"],
  [
    pool("endpoints: ['http://v'], pick: {scorers: [{queue: 3}]}"),
    "pools.p.pick.scorers[0].type",
    "is missing: expected one of active-request-scorer,",
  ],
  [
    pool("endpoints: ['http://v'], pick: {scorers: [{type: queu-scorer}]}"),
    "pools.p.pick.scorers[0].type",
    'did you mean "queue-scorer"?',
  ],
])("%s is one problem, told at its place with the fix", (text, place, fix) => {
  const folder = makeFolder();
  writeFileSync(folder.at("s.yaml"), `policies: open\n${text}\n`);
  const read = readConfig(folder.at("s.yaml"), { env: {} });
  const message = read.config === undefined ? read.error.message : "";
  expect(message).toContain(place);
  expect(message).toContain(fix);
  expect(message).toContain("1 problem");
});
