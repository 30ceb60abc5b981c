import { makeCaller, textOf } from "./caller.ts";
import type { Scene } from "./scene.ts";

const MOST_CALLS = 30;

export const cheaperModelScene: Scene = {
  title: "Budgets: the cheaper model steps in when the money for the first is spent",
  async play(stage) {
    const { tell, check } = stage;
    const caller = await makeCaller(stage, "thrifty");
    let calls = 0;
    let response: Response;
    do response = await caller.ask("gpt-4o", `What is the capital of country ${++calls}?`, { max_tokens: 100 });
    while (response.ok && response.headers.get("x-sallyport-fallback") === null && calls < MOST_CALLS);
    const model = response.headers.get("x-sallyport-model");
    const why = response.headers.get("x-sallyport-fallback");
    tell(`"thrifty" may spend $0.005 an hour on gpt-4o; that paid for ${calls - 1} calls`);
    tell(`call ${calls}, for gpt-4o → ${response.status}, x-sallyport-model: ${model}, x-sallyport-fallback: ${why}`);
    tell(`it says: ${(await textOf(response)).slice(0, 100)}…`);
    check(calls > 1, "the model that was asked for answers while there is money");
    check(
      response.status === 200 && model === "small" && why === "budget_exhausted",
      "then the next of its list answers the same request, and a header says so",
    );
  },
};
