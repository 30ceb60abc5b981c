import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { makeCaller } from "./caller.ts";
import type { Scene } from "./scene.ts";

const MOST_CALLS = 30;
const PAUSE_MS = 50;
/* From Friday, 18:00, to Monday, 6:00. */
const WEEKEND_S = 60 * 3_600;

export const weekendScene: Scene = {
  title: "The weekend agent: the same call again and again is warned, then stopped, and told what it costs",
  async play(stage) {
    const { gateway, tell, check } = stage;
    const caller = await makeCaller(stage, "weekend");
    const traceparent = `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
    const again = () => caller.ask("frontier", "Fix the report, then say DONE.", { max_tokens: 400 }, { traceparent });
    tell("an agent does not find DONE in the answer of its model, and asks again, and again …");
    const startedMs = performance.now();
    let answered = 0;
    let warned = 0;
    let response = await again();
    while (response.ok && answered < MOST_CALLS) {
      answered++;
      const warning = response.headers.get("x-sallyport-runaway");
      if (warning !== null && warned === 0) {
        warned = answered;
        tell(`call ${answered} → ${response.status}, with a warning: x-sallyport-runaway: ${warning}`);
      }
      await response.arrayBuffer();
      await delay(PAUSE_MS);
      response = await again();
    }
    const elapsedS = (performance.now() - startedMs) / 1_000;
    const { error } = (await response.json()) as { error?: { code: string; message: string } };
    const seen = response.headers.get("x-sallyport-runaway") ?? "";
    tell(`call ${answered + 1} → ${response.status} ${error?.code}`);
    tell(`the agent reads: ${error?.message}`);
    tell(`x-sallyport-runaway: ${seen}; x-should-retry: ${response.headers.get("x-should-retry")}`);
    const costDollars = Number(/cost=\$([\d.]+)/.exec(seen)?.[1]);
    const weekendDollars = (costDollars / elapsedS) * WEEKEND_S;
    tell(
      `it cost $${costDollars.toFixed(2)} in ${elapsedS.toFixed(1)} s; ${WEEKEND_S / 3_600} hours of a weekend at this pace would have cost $${weekendDollars.toFixed(0)}`,
    );
    check(warned > 0 && warned <= answered, "it is warned while there is time to change its mind");
    check(
      response.status === 429 && error?.code === "runaway_stopped" && answered === 10,
      "what is sent the eleventh time is not sent on, and a client that obeys the answer does not retry it",
    );
    check(costDollars > 0 && weekendDollars > 1_000, "both what it cost and where it was going are known");
    await delay(Number(response.headers.get("retry-after-ms")) + PAUSE_MS);
    const probe = await again();
    const next = await again();
    tell(`when the stop has lifted it asks again, and one call may pass, with a warning → ${probe.status}`);
    tell(`the one after it → ${next.status}, retry-after: ${next.headers.get("retry-after")}`);
    check(
      probe.ok && probe.headers.has("x-sallyport-runaway") && Number(next.headers.get("retry-after")) === 2,
      "an agent that goes on is stopped for twice as long",
    );
    const other = await caller.ask("frontier", "What is the capital of France?", { max_tokens: 400 }, { traceparent });
    check(other.ok, "other calls of the same agent pass");
    const found = await gateway.admin(`/api/journal?request=${next.headers.get("x-request-id")}`);
    const { records } = (await found.json()) as { records: readonly { decision?: { rule: string } }[] };
    check(records[0]?.decision?.rule === "runaway", 'the journal has it as denied by "runaway"');
  },
};
