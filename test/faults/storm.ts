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

/** What one storm of 503 made of it, for each call of a caller. */
interface Seen {
  readonly calls: number;
  /** At the upstream that saw most. */
  readonly most: number;
}

/** One storm over three models of a list, of which the first `failingModels` fail so many of ten calls. */
async function storm(ofTen: number, failingModels: number): Promise<Seen> {
  const providers = await Promise.all(
    [1, 2, 3].map((place) => startProvider(place <= failingModels ? failing(ofTen) : says("well"))),
  );
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
  const counts = providers.map((provider) => provider.calls / REQUESTS);
  await scene.close();
  await Promise.all(providers.map((provider) => provider.close()));
  const seen = { calls: counts.reduce((sum, each) => sum + each, 0), most: Math.max(...counts) };
  console.log(
    `${failingModels === 1 ? "the first fails" : "all fail"} ${ofTen * 10} % of calls: ${REQUESTS} requests, ${answered} answered; upstreams saw ${seen.calls.toFixed(2)}x, the busiest ${seen.most.toFixed(2)}x`,
  );
  return seen;
}

/** How much larger a storm of 503 gets by what the gateway tries again, and who is answered all the same. */
export async function faultStorm(): Promise<void> {
  let most = 0;
  for (const ofTen of [2, 4, 6, 10]) most = Math.max(most, (await storm(ofTen, 1)).most);
  for (const ofTen of [2, 4, 6]) most = Math.max(most, (await storm(ofTen, 3)).most);
  const full = (await storm(10, 3)).calls;
  if (Math.max(most, full) > MOST) throw new Error(`upstreams saw more than ${MOST} calls a request`);
  console.log(
    `faults storm: a full one ${full.toFixed(2)}x in all, any at most ${most.toFixed(2)}x at one upstream, of ${MOST}x`,
  );
}
