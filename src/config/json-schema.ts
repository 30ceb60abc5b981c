import { z } from "zod";
import { configSchema } from "./schema.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

let made: JsonSchema | undefined;

/** The JSON Schema of a configuration file as it is written, before defaults and units. Custom metadata such as `x-secret` stays. */
export function configJsonSchema(): JsonSchema {
  return (made ??= makeJsonSchema());
}

function makeJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, {
    io: "input",
    /* `z.unknown()` branches exist to refuse with a better message; anything may stand there for a schema reader. */
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      /* What every `z.int()` says by itself is noise to a reader. */
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}
