import { stringify } from "yaml";
import { visibleText } from "../../core/visible-text.ts";
import type { OutputObject } from "./gateway-api.ts";

/** One object of the output. */
export interface Printed {
  readonly object: OutputObject;
  /** Lines above it. */
  readonly comments: readonly string[];
  /** True for what must not be applied as it is: printed as comments. */
  readonly withheld: boolean;
}

const comment = (line: string) => (line === "" ? "#" : `# ${line}`);

/** Documents of YAML for `kubectl apply -f -`. What is withheld is a comment from its first line to its last. */
export function printObjects(objects: readonly Printed[]): string {
  return objects
    .map(({ object, comments, withheld }) => {
      const head = comments.map((text) => comment(visibleText(text)));
      const body = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })
        .trimEnd()
        .split(/\r\n|[\n\r\u0085\u2028\u2029]/);
      return [...head, ...(withheld ? ["---", ...body].map(comment) : ["---", ...body])].join("\n");
    })
    .join("\n");
}
