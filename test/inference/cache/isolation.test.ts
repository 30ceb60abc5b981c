import { describe, expect, test } from "vitest";
import { answerWith, type Caller, createRecallScene, type RecallScene } from "./recall-scene.ts";

/*
 * Everything that keeps two calls apart, and the ways each can be. A call is a row of choices; what differs in any of them must never be
 * given the other's answer, whatever its question: the embedder of the scene takes all questions for the same.
 */
const tool = (name: string, description: string) => ({
  type: "function",
  function: { name, description, parameters: { type: "object", properties: {} } },
});
const dimensions = {
  tenant: ["acme", "globex", "acme ", "ac", ""],
  principal: ["ada", "bob", "acme ada", "ada2"],
  client: ["", "web", "cli"],
  scopes: [[], ["read"], ["read", "write"], ["read write"]],
  groups: [[], ["staff"], ["staff", "admin"]],
  policyHash: ["rules 1", "rules 2"],
  model: ["small", "large"],
  system: [
    undefined,
    "You are terse.",
    "You are terse. ",
    "You speak for ACME.",
    "You speak for Globex.",
    [{ type: "text", text: "You are terse." }],
  ],
  history: [
    [],
    [
      { role: "user", content: "Hello" },
      { role: "assistant", content: "Hi" },
    ],
    [
      { role: "user", content: "Hello" },
      { role: "assistant", content: "Go away" },
    ],
    [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "1", content: "42" },
    ],
  ],
  tools: [undefined, [tool("f", "Adds")], [tool("f", "Subtracts")], [tool("f", "Adds"), tool("g", "Adds")]],
  format: [
    undefined,
    { type: "json_object" },
    {
      type: "json_schema",
      json_schema: { name: "a", schema: { type: "object", properties: { a: { type: "string" } } } },
    },
    {
      type: "json_schema",
      json_schema: { name: "a", schema: { type: "object", properties: { b: { type: "string" } } } },
    },
  ],
  temperature: [undefined, 0, 0.7],
  user: [undefined, "end user 1", "end user 2"],
  beta: [undefined, "one", "two"],
  stream: [false, true],
} as const;
type Row = readonly number[];
const names = Object.keys(dimensions) as (keyof typeof dimensions)[];
const sizes = names.map((name) => dimensions[name].length);

/* Fixed seeds: a failure can be looked at. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

const questions = ["How do I reset my password?", "Why?", "What is my balance?"];

function callerOf(row: Row, question: string): Caller {
  const choice = <K extends keyof typeof dimensions>(name: K): (typeof dimensions)[K][number] =>
    dimensions[name][row[names.indexOf(name)]!]!;
  const [system, beta] = [choice("system"), choice("beta")];
  const messages = [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    ...choice("history"),
    { role: "user", content: question },
  ];
  const body: Record<string, unknown> = { model: choice("model"), messages, stream: choice("stream") };
  for (const [name, value] of [
    ["tools", choice("tools")],
    ["response_format", choice("format")],
    ["temperature", choice("temperature")],
    ["user", choice("user")],
  ] as const)
    if (value !== undefined) body[name] = value;
  return {
    tenant: choice("tenant"),
    principal: choice("principal"),
    client: choice("client"),
    scopes: choice("scopes"),
    groups: choice("groups"),
    policyHash: choice("policyHash"),
    path: "/v1/chat/completions",
    headers: beta === undefined ? {} : { "openai-beta": beta },
    body,
  };
}

const whole = (text: string) =>
  Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { content: text }, finish_reason: "stop" }] }));
const streamed = (text: string) =>
  Buffer.from(
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
  );

async function store(scene: RecallScene, row: Row, question: string, text: string): Promise<void> {
  const caller = callerOf(row, question);
  const recalled = await scene.recall(caller).recalled;
  if (recalled?.recording === undefined) throw new Error("what should be stored was given from the cache");
  const stream = caller.body["stream"] === true;
  await answerWith(recalled, stream ? streamed(text) : whole(text), caller.body);
}

async function isHit(scene: RecallScene, row: Row, question: string): Promise<boolean> {
  const recalled = await scene.recall(callerOf(row, question)).recalled;
  const hit = recalled?.answer !== undefined;
  recalled?.end({ status: "aborted", durationMs: 1 });
  return hit;
}

/* Rows that differ from a stored one in one to three places: as near as a stranger can come. */
function strangerTo(row: Row, random: (below: number) => number): Row {
  const changed = [...row];
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(row.length);
    changed[at] = (changed[at]! + 1 + random(sizes[at]! - 1)) % sizes[at]!;
  }
  return changed;
}

/* Under `share: tenant` the principal is no dimension, unless it has no tenant to share with. */
function identityOf(row: Row, share: "principal" | "tenant"): string {
  const shares = share === "tenant" && dimensions.tenant[row[names.indexOf("tenant")]!] !== "";
  return names.map((name, at) => (shares && name === "principal" ? "*" : row[at])).join();
}

const ATTEMPTS = 520_000;
const STORED = 2_000;

const sharing = [
  ["principal", 1],
  ["tenant", 2],
] as const;

describe.for(sharing)("sharing by %s", ([share, seed]) => {
  test("nobody is given another's answer in half a million attempts", { timeout: 240_000 }, async () => {
    const random = createRandom(seed);
    const scene = createRecallScene({ share });
    const stored = new Map<string, Row>();
    while (stored.size < STORED) {
      const row = sizes.map((size) => random(size));
      if (stored.has(identityOf(row, share))) continue;
      stored.set(identityOf(row, share), row);
      await store(scene, row, questions[0]!, `answer ${stored.size}`);
    }
    const rows = [...stored.values()];
    expect(scene.cache.answers.count).toBe(STORED);
    let [attempts, crossed, own, ownHits] = [0, 0, 0, 0];
    while (attempts < ATTEMPTS) {
      const row = rows[random(rows.length)]!;
      const stranger = strangerTo(row, random);
      const question = questions[random(questions.length)]!;
      if (stored.has(identityOf(stranger, share))) continue;
      attempts += 1;
      if (await isHit(scene, stranger, question)) crossed += 1;
      /* Who asked is answered, in any words: the scene gives away all that it may. */
      if (attempts % 100 !== 0) continue;
      own += 1;
      if (await isHit(scene, row, question)) ownHits += 1;
    }
    expect({ attempts, crossed, own, ownHits }).toEqual({ attempts: ATTEMPTS, crossed: 0, own, ownHits: own });
    expect(own).toBeGreaterThan(5_000);
    expect(scene.cache.flights.count).toBe(0);
    console.info(`${attempts} attempts by strangers, ${crossed} crossed; ${own} by whose it was, ${ownHits} answered`);
  });
});
