import { faultLedger } from "./ledger.ts";
import { faultRedis } from "./redis.ts";
import { faultStorm } from "./storm.ts";

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  ledger: faultLedger,
  redis: faultRedis,
  storm: faultStorm,
};

const scenario = scenarios[process.argv[2] ?? ""];
if (scenario === undefined) {
  console.error(`npm run faults -- ${Object.keys(scenarios).join("|")}`);
  process.exit(2);
}
try {
  await scenario();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
