import OpenAI from "openai";
import { refuses, says, startProvider, startScene, type Behaviour } from "../e2e/fallback-scene.ts";

const REQUESTS = 2_000;
const CALLERS = 50;
const MOST = 1.2;

/** Fails so many of every ten calls with 503, spread evenly. */
function failing(ofTen: number): Behaviour {
  let calls = 0;
  const fail = refuses(503);
  const answer = says("well");
  return (response, stream) => {
    const turn = calls++;
    const fails = Math.floor(((turn + 1) * ofTen) / 10) > Math.floor((turn * ofTen) / 10);
    (fails ? fail : answer)(response, stream);
  };
}

/** One storm over three models of a list; gives what their upstreams saw for each call of a caller. */
async function storm(ofTen: number): Promise<number> {
  const providers = await Promise.all(Array.from({ length: 3 }, () => startProvider(failing(ofTen))));
  const scene = await startScene({
    models: `
  first: { provider: vllm, url: "${providers[0]?.url}", fallback: [second, third] }
  second: { provider: vllm, url: "${providers[1]?.url}" }
  third: { provider: vllm, url: "${providers[2]?.url}" }`,
  });
  let answered = 0;
  let begun = 0;
  const caller = async () => {
    while (begun++ < REQUESTS) {
      try {
        await scene.openai.chat.completions.create({ model: "first", messages: [{ role: "user", content: "?" }] });
        answered++;
      } catch (error) {
        if (!(error instanceof OpenAI.APIError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const calls = providers.reduce((sum, provider) => sum + provider.calls, 0);
  await scene.close();
  await Promise.all(providers.map((provider) => provider.close()));
  const ratio = calls / REQUESTS;
  console.log(
    `${ofTen * 10} % of calls fail: ${REQUESTS} requests, ${calls} calls at the upstreams (${ratio.toFixed(2)}x), ${answered} answered`,
  );
  return ratio;
}

/** How much larger a storm of 503 gets by what the gateway tries again. */
export async function faultStorm(): Promise<void> {
  let worst = 0;
  for (const ofTen of [1, 2, 3, 4, 6, 10]) worst = Math.max(worst, await storm(ofTen));
  if (worst > MOST) throw new Error(`upstreams saw ${worst.toFixed(3)} calls a request, more than ${MOST}`);
  console.log(`faults storm: at most ${worst.toFixed(2)}x of ${MOST}x`);
}
