import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isMap, isScalar } from "yaml";
import { z } from "zod";
import { httpConfig } from "../http/config.ts";
import { stateConfig } from "../state/config.ts";
import { fitTo } from "./coerce.ts";
import { loadConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import { substitute } from "./substitute.ts";
import { parseYaml } from "./yaml-source.ts";

/** What of a configuration leads to the admin API of the gateway that runs with it. */
export type AdminConfig = Pick<Config, "listen" | "state" | "baseDir">;

const parts = z.strictObject({ listen: httpConfig.listen, state: stateConfig.state });

/**
 * Reads where a gateway's admin API is, and no more: who administers it need not have its providers' keys in the environment. Throws a
 * ConfigError as `loadConfig` does when that cannot be read.
 */
export function loadAdminConfig(file: string): AdminConfig {
  return readParts(resolve(file)) ?? loadConfig(file);
}

function readParts(path: string): AdminConfig | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const source = parseYaml(text);
  const { contents } = source.document;
  if (source.broken || !isMap(contents)) return undefined;
  // The rest may hold anchors that these parts follow; then this fails, and the whole is read.
  contents.items = contents.items.filter(({ key }) => isScalar(key) && Object.hasOwn(parts.shape, String(key.value)));
  const baseDir = dirname(path);
  try {
    const { scalars, problems } = substitute(source.document, { baseDir, env: process.env });
    const { success, data } = fitTo(parts, source, scalars);
    // Of Redis nothing need be known, its password least of all: no address and no folder here depends on it.
    return success && (problems.length === 0 || data.state.kind === "redis") ? { ...data, baseDir } : undefined;
  } catch {
    return undefined;
  }
}
