import type { DialectName, Endpoint } from "../model-call.ts";
import { anthropic } from "./anthropic.ts";
import type { Dialect } from "./dialect.ts";
import { openai } from "./openai.ts";

/** Every wire format, by its name. */
export const dialects: Readonly<Record<DialectName, Dialect>> = { openai, anthropic };

/** Every call of a model, by the gateway's path. */
export const endpoints: ReadonlyMap<string, Endpoint> = new Map(
  Object.values(dialects).flatMap((dialect) => [...dialect.endpoints]),
);
