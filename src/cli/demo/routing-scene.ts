import { makeCaller } from "./caller.ts";
import type { Scene } from "./scene.ts";

const EASY = "What time is it in Rome when it is noon in London?";
const HARD =
  "Prove that for every prime p > 3 the number p^2 - 1 is divisible by 24. Then, if the claim is extended to p^4 - 1 and 240, either prove that as well or give the smallest counterexample, and explain why each step of the argument is necessary.";

export const routingScene: Scene = {
  title: "Routing: an easy question goes to a small model, a hard one to the model that can answer it",
  async play(stage) {
    const { tell, check } = stage;
    const caller = await makeCaller(stage, "routed");
    const ask = async (question: string) => {
      const response = await caller.ask("smart", question);
      await response.arrayBuffer();
      const model = response.headers.get("x-sallyport-model");
      const route = response.headers.get("x-sallyport-route") ?? "";
      tell(`${question.length > 80 ? `${question.slice(0, 78)} …` : question} → ${model} (${route})`);
      return { model, complexity: Number(/complexity=([\d.]+)/.exec(route)?.[1]) };
    };
    tell("smart is no model: `choose` names a rule in CEL for each model it may be, and what else there is");
    const easy = await ask(EASY);
    const hard = await ask(HARD);
    check(easy.model === "small" && hard.model === "gpt-4o", "each is answered by the model that fits it");
    check(
      easy.complexity < 0.4 && hard.complexity > 0.4,
      "and the answer says which rule held, and how hard it seemed",
    );
  },
};
