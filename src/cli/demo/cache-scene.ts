import { makeCaller, textOf } from "./caller.ts";
import type { Scene } from "./scene.ts";

const FIRST = "What is the password reset process?";
const SAME = "How do I reset my password?";
const NEAR_MISSES = ["How do I reset my PIN?", "Why do I have to reset my password?"];

export const cacheScene: Scene = {
  title: "Cache: a question in other words is answered without a model, one that only looks alike is not",
  async play(stage) {
    const { gateway, tell, check } = stage;
    const caller = await makeCaller(stage, "cached");
    const ask = async (question: string, by = caller) => {
      const response = await by.ask("helpdesk", question);
      const status = response.headers.get("cache-status") ?? "";
      tell(`${question} → ${status}`);
      return { status, text: await textOf(response), id: response.headers.get("x-request-id") };
    };
    const first = await ask(FIRST);
    check(first.status === "sallyport; fwd=miss; stored", "the first is asked of the model, and its answer is kept");
    const hit = await ask(SAME);
    check(
      hit.status.startsWith("sallyport; hit") && hit.text === first.text,
      "the same in other words gets that answer",
    );
    const found = await gateway.admin(`/api/journal?request=${hit.id}`);
    const { records } = (await found.json()) as {
      records: readonly { costNanos?: number; notes?: readonly string[] }[];
    };
    tell(`the journal has it with: ${records[0]?.notes?.join("; ")}`);
    check(records[0]?.costNanos === 0, "it cost nothing, and the journal says how near the two questions are");
    for (const question of NEAR_MISSES) {
      const { status } = await ask(question);
      check(status.startsWith("sallyport; fwd=miss"), "nearly the same words, another question: the model is asked");
    }
    const other = await ask(SAME, await makeCaller(stage, "cached-elsewhere"));
    check(other.status.startsWith("sallyport; fwd=miss"), "nobody is given what was kept for somebody else");
  },
};
