import { configJsonSchema } from "../config/json-schema.ts";
import { defineCommand } from "./command.ts";

export const schemaCommand = defineCommand({
  usage: "",
  options: {},
  run({ out }) {
    out(JSON.stringify(configJsonSchema(), null, 2));
    return 0;
  },
});
