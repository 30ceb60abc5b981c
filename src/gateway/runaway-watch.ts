import { type Alarm, describeAlarm, stopped } from "../budgets/runaway/runaway-alarm.ts";
import type { RunawayConfig } from "../budgets/runaway/runaway-config.ts";
import { formatDollars } from "../budgets/money.ts";
import type { Clock } from "../core/clock.ts";
import { deny } from "../core/decision.ts";
import type { Meter } from "../core/meter.ts";
import type { GatewayContext } from "./compose.ts";
import { wait } from "./wait.ts";

const FIRST_DELAY_MS = 100;
const header = "x-sallyport-runaway";

/** Gives what follows from an alarm: tells the caller, the journal and the metrics, makes the call wait, or refuses it. */
export function createHeed(config: RunawayConfig, clock: Clock, meter: Meter) {
  const alarms = meter.counter("runaway_alarms_total", "Calls that looked like those of a runaway, by what was done", [
    "protocol",
    "signal",
    "action",
  ]);
  return (context: GatewayContext, alarm: Alarm): void | Promise<void> => {
    const { operation, exchange } = context;
    const { signal, count, limit } = alarm;
    const refused = alarm.liftsInMs !== undefined;
    const action = refused ? "stopped" : config.action === "slow" ? "slowed" : "warned";
    const words = describeAlarm(alarm, operation);
    alarms.add([operation.protocol, signal, action]);
    context.notes = [...(context.notes ?? []), `runaway, ${action}: ${words}`];
    if (!exchange.reply.started) exchange.reply.setHeader(header, headerOf(alarm));
    if (alarm.begins)
      exchange.log.warn({ signal, count, chain: exchange.chain.id, principal: exchange.principal.id }, words);
    if (refused) {
      context.decision = deny("runaway", words);
      throw stopped(alarm, operation, clock.now());
    }
    if (config.action !== "slow") return;
    return wait(Math.min(config.delay, FIRST_DELAY_MS * 2 ** Math.min(20, Math.max(0, count - limit))), context.signal);
  };
}

/* Names stay out of it: a header holds ASCII. */
function headerOf({ signal, scope, count, limit, costNanos }: Alarm): string {
  const cost = costNanos > 0 ? `; cost=${formatDollars(Math.round(costNanos))}` : "";
  return `${signal}; scope=${scope}; count=${count}; limit=${limit}${cost}`;
}
