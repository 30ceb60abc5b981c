import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/schema.ts";

/** Whether these parts of the configuration are as they were. */
export function sameParts(former: Config, config: Config, keys: readonly (keyof Config)[]): boolean {
  return former.baseDir === config.baseDir && keys.every((key) => isDeepStrictEqual(former[key], config[key]));
}
