import { makeCaller } from "./caller.ts";
import type { Scene } from "./scene.ts";

interface Pick {
  readonly pool: string;
  readonly picked: string;
  readonly endpoints: readonly { readonly name: string; readonly cachedTokens: number; readonly filteredBy?: string }[];
}

/* Some 2,700 tokens, as the rules and tools of an agent are. */
const rules = Array.from({ length: 200 }, (_, at) => `Rule ${at}: what a customer was promised in writing holds.`);

export const poolScene: Scene = {
  title: "Pools: a request goes where its prompt is cached, and says why",
  async play(stage) {
    const { tell, check } = stage;
    const { ask } = await makeCaller(stage, "pool");
    const pick = async (topic: string, question: string) => {
      const system = { role: "system", content: `You help with ${topic}. ${rules.join(" ")}` };
      const response = await ask(
        "llama",
        "",
        { messages: [system, { role: "user", content: question }], max_tokens: 5 },
        { "x-sallyport-explain": "1" },
      );
      const said = await response.text();
      const header = response.headers.get("x-sallyport-pick");
      if (header === null) throw new Error(`${response.status} without a pick: ${said.slice(0, 200)}`);
      return JSON.parse(header) as Pick;
    };
    tell("llama is served by three simulated vLLM servers; x-sallyport-explain: 1 asks why one of them was picked");
    const first = await pick("orders", "Where is mine?");
    const second = await pick("orders", "May I send it back?");
    const [home, ...others] = second.endpoints;
    tell(`a system prompt of 2,700 tokens, the first time → ${first.picked}`);
    tell(`the same with another question → ${second.picked}, of whose cache ${home?.cachedTokens} tokens are expected`);
    for (const { name, filteredBy } of others) tell(`  ${name} was left out by ${filteredBy}`);
    const elsewhere = await pick("invoices", "Which are open?");
    tell(`another system prompt → ${elsewhere.picked}`);
    check(first.picked === second.picked, "a prompt that begins like one before goes where that one went");
    check(
      home?.name === second.picked &&
        home.cachedTokens > 2_000 &&
        others.every(({ filteredBy }) => filteredBy !== undefined),
      "the pick says what was expected in the cache, and what left the others out",
    );
  },
};
