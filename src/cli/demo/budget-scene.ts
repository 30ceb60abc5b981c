import { makeCaller } from "./caller.ts";
import type { Scene } from "./scene.ts";

const MOST_CALLS = 20;

export const budgetScene: Scene = {
  title: "Budgets: when the tokens are used up, the caller is told which budget, what is left and when to come back",
  async play(stage) {
    const { tell, check } = stage;
    const caller = await makeCaller(stage, "trial");
    let calls = 0;
    let response: Response;
    let used = 0;
    do {
      response = await caller.ask("small", `What is the capital of country ${++calls}?`, { max_tokens: 60 });
      if (response.ok) {
        const { usage } = (await response.json()) as { usage: { total_tokens: number } };
        used += usage.total_tokens;
      }
    } while (response.ok && calls < MOST_CALLS);
    tell(`"trial" may use 500 tokens a minute; ${calls - 1} calls used ${used}; call ${calls} → ${response.status}`);
    const { error } = (await response.json()) as { error?: { type: string; message: string } };
    tell(JSON.stringify(error));
    const told = ["retry-after", "retry-after-ms", "x-ratelimit-remaining-tokens", "x-should-retry"] as const;
    tell(told.map((name) => `${name}: ${response.headers.get(name)}`).join(", "));
    check(response.status === 429 && error?.type === "rate_limit_error", "429 with the type rate_limit_error");
    check(
      error?.message.includes("The budget trial") === true,
      "it says which budget, what is left and what was asked",
    );
    check(
      Number(response.headers.get("retry-after")) > 0 && response.headers.get("x-ratelimit-remaining-tokens") !== null,
      "a client that reads retry-after waits as long as it takes, and no longer",
    );
    const other = await (await makeCaller(stage, "team-a")).ask("small", "What is the capital of France?");
    check(other.ok, "another tenant notices nothing");
  },
};
