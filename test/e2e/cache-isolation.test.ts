import { expect, test } from "vitest";
import { ask, type Person, startCacheScene } from "./cache-scene.ts";

const systems = ["You are terse.", "You speak for ACME."];
const tools = [
  undefined,
  [
    {
      type: "function",
      function: { name: "add", description: "Adds", parameters: { type: "object", properties: {} } },
    },
  ],
];
const formats = [undefined, { type: "json_object" }];
const people: readonly Person[] = ["ada", "bob", "cy", "eve"];

/** Every call that differs from every other in who asks, in what setting, and in which form the answer is wanted. */
function* settings() {
  for (const as of people)
    for (const system of systems)
      for (const tool of tools)
        for (const stream of [false, true]) {
          for (const response_format of formats)
            yield {
              as,
              path: "chat/completions",
              rest: { tools: tool, response_format, stream },
              messages: [{ role: "system", content: system }],
            };
          const described = tool?.map(({ function: { name, description, parameters } }) => ({
            name,
            description,
            input_schema: parameters,
          }));
          yield { as, path: "messages", rest: { tools: described, stream, system, max_tokens: 50 }, messages: [] };
        }
}

test.for(["principal", "tenant"])("no two settings share an answer over HTTP, sharing by %s", async (share) => {
  const scene = await startCacheScene({ cache: `{share: ${share}, semantic: {embedder: lexical}}` });
  try {
    const call = async (
      { as, path, rest, messages }: ReturnType<typeof settings> extends Iterable<infer S> ? S : never,
      question: string,
    ) => {
      const body = { ...rest, model: "small", messages: [...messages, ...ask(question).messages] };
      const response = await scene.send(path, body, { as });
      expect(response.status).toBe(200);
      await response.text();
      return /^sallyport; (hit|fwd=miss)/.exec(response.headers.get("cache-status") ?? "")?.[1];
    };
    const seen = new Map<string, number>();
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    for (const setting of settings()) {
      const first = await call(setting, "How do I reset my password?");
      /* Ada and Bob are of one tenant and one group. */
      const shared = share === "tenant" && setting.as === "bob";
      count(`${shared ? "shared" : "first"} ${first}`);
      count(`same question ${await call(setting, "How do I reset my password?")}`);
      count(`other words ${await call(setting, "What is the password reset process?")}`);
    }
    const all = people.length * systems.length * tools.length * 2 * 3;
    const sharers = share === "tenant" ? all / people.length : 0;
    expect(Object.fromEntries(seen)).toEqual({
      "first fwd=miss": all - sharers,
      ...(sharers > 0 && { "shared hit": sharers }),
      "same question hit": all,
      "other words hit": all,
    });
  } finally {
    await scene.close();
  }
});
