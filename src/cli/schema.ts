import { configJsonSchema } from "../config/json-schema.ts";
import { crdFiles } from "../k8s/crds.ts";
import { defineCommand } from "./command.ts";

export const schemaCommand = defineCommand({
  usage: "[--crds]",
  options: {
    crds: {
      type: "boolean",
      description: "prints the CustomResourceDefinitions of MCPServer, A2AAgent, AccessPolicy and Budget instead",
    },
  },
  run({ options, out }) {
    if (options.crds) out([...crdFiles().values()].join("---\n").trimEnd());
    else out(JSON.stringify(configJsonSchema(), null, 2));
    return 0;
  },
});
