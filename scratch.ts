import { loadConfig } from "./src/config/load.ts";
for (const f of process.argv.slice(2)) try { console.log(JSON.stringify(loadConfig(f))); } catch (e) { console.log((e as Error).name === "ConfigError" ? (e as Error).message : e) }
