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
    "max-adapters": { type: "string", default: "4" },
    /** So many servers in this process, each with a port of its own. */
    servers: { type: "string", default: "1" },
    /** Names of LoRA adapters, with commas between them. */
    adapters: { type: "string", default: "" },
    faults: { type: "boolean", default: false },
  },
});

/* The key is named, not given: arguments are visible to every process of a machine. */
const key = values["key-env"] === undefined ? undefined : process.env[values["key-env"]];

const port = Number(values.port);
const simulators = await Promise.all(
  Array.from({ length: Number(values.servers) }, (_, index) =>
    startSimulator({
      port: port === 0 ? 0 : port + index,
      host: values.host,
      model: values.model,
      timeScale: Number(values["time-scale"]),
      maxSequences: Number(values["max-sequences"]),
      blocks: Number(values.blocks),
      maxAdapters: Number(values["max-adapters"]),
      adapters: values.adapters.split(",").filter(Boolean),
      faults: values.faults,
      ...(key === undefined ? {} : { key }),
    }),
  ),
);
const urls = simulators.map(({ url }) => url);
console.log(JSON.stringify({ name: "simulator", url: urls[0], ...(urls.length > 1 && { urls }), model: values.model }));

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void Promise.all(simulators.map((each) => each.close())).then(() => process.exit(0)));
