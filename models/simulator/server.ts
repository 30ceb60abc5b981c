import { parseArgs } from "node:util";
import { startSimulator } from "./simulator.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8000" },
    host: { type: "string", default: "127.0.0.1" },
    model: { type: "string", default: "simulated" },
    "key-env": { type: "string" },
    "time-scale": { type: "string", default: "0" },
    "max-sequences": { type: "string", default: "256" },
    blocks: { type: "string", default: "2810" },
    faults: { type: "boolean", default: false },
  },
});

/* The key is named, not given: arguments are visible to every process of a machine. */
const key = values["key-env"] === undefined ? undefined : process.env[values["key-env"]];

const simulator = await startSimulator({
  port: Number(values.port),
  host: values.host,
  model: values.model,
  timeScale: Number(values["time-scale"]),
  maxSequences: Number(values["max-sequences"]),
  blocks: Number(values.blocks),
  faults: values.faults,
  ...(key === undefined ? {} : { key }),
});
console.log(JSON.stringify({ name: "simulator", url: simulator.url, model: values.model }));

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void simulator.close().then(() => process.exit(0)));
