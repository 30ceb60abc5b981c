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
    "Every answer, good or bad, carries `x-request-id`; pages of other origins may read it too. `npx sallyport journal --request ID` shows what the journal",
    "knows of that call: the rule that denied it and why, the kind of the failure, the upstream's status. The log names the same id as `requestId`. A request that was refused",
    "before it became somebody's call (no valid credential, an unknown path, a body that is no JSON) has no record.",
    "",
    "| kind | HTTP | JSON-RPC | A2A reason | OpenAI type | Anthropic type | retry | caused by |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n")}\n`;
}
