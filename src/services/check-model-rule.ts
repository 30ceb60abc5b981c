import type { ConfigProblem } from "../core/config-problem.ts";
import type { FilterConfig } from "./filter-config.ts";
import type { RuleConfig } from "./route-config.ts";

/* They say what a body is and how it is read. */
const ofTheBody = new Set(["accept", "accept-encoding", "content-encoding", "content-type"]);

/** What cannot be done with calls of models: their requests are read, and written anew for the server that is picked. */
export function checkModelRule({ filters, to }: RuleConfig): ConfigProblem[] {
  const services = to.flatMap((each, index): ConfigProblem[] =>
    "service" in each
      ? [
          {
            path: ["to", index],
            message: "services do not go with pools and models in one rule: give them a rule of their own",
          },
        ]
      : [],
  );
  const ofBackends = to.flatMap((each, index) =>
    "unresolved" in each
      ? []
      : each.filters.flatMap((filter, number) => checkFilter(filter, ["to", index, "filters", number])),
  );
  return [...services, ...filters.flatMap((filter, number) => checkFilter(filter, ["filters", number])), ...ofBackends];
}

function checkFilter(filter: FilterConfig, path: ConfigProblem["path"]): ConfigProblem[] {
  if ("mirror" in filter)
    return [{ path, message: "calls of models are not copied: each copy would cost what the call does" }];
  if ("rewrite" in filter && filter.rewrite.host !== undefined) {
    const message = "a model server is told the host of its own address: leave `host` out";
    return [{ path: [...path, "rewrite", "host"], message }];
  }
  for (const [kind, edits] of Object.entries(headerEditsOf(filter))) {
    const names = [...Object.keys(edits.set), ...Object.keys(edits.add), ...edits.remove];
    const name = names.find((each) => ofTheBody.has(each.toLowerCase()));
    if (name === undefined) continue;
    const message = `${name} is the gateway's to say: it writes requests and answers of models itself`;
    return [{ path: [...path, kind], message }];
  }
  return [];
}

function headerEditsOf(filter: FilterConfig) {
  if ("requestHeaders" in filter) return { requestHeaders: filter.requestHeaders };
  return "responseHeaders" in filter ? { responseHeaders: filter.responseHeaders } : {};
}
