import { errorKinds } from "../src/core/errors.ts";

/** `docs/errors.md`: the error table, from the code. */
export function errorReference(): string {
  const rows = Object.entries(errorKinds).map(
    ([kind, { status, rpc, a2a, openai, anthropic, retry, source }]) =>
      `| \`${kind}\` | ${status} | ${rpc} | ${a2a} | ${openai} | ${anthropic} | ${retry ? "yes" : "no"} | ${source} |`,
  );
  return `${[
    "<!-- Written by `npm run generate` from src/core/errors.ts. -->",
    "# Errors",
    "",
    "Every protocol answers in its own error shape, on every path. The kind is also the metric label and the log field.",
    "`retry` says whether the same call may succeed later; it is sent as `x-should-retry`.",
    "",
    "| kind | HTTP | JSON-RPC | A2A reason | OpenAI type | Anthropic type | retry | caused by |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n")}\n`;
}
