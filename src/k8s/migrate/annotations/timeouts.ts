import { defineAnnotations } from "../annotation-group.ts";
import { rulesOf } from "../migration.ts";

const names = ["proxy-connect-timeout", "proxy-send-timeout", "proxy-read-timeout"] as const;

const retries = {
  outcome: "not translated",
  text: "the field for it (retry) is experimental, and an API server with the standard channel would drop it in silence",
  todo: "if the service needs other retries than the gateway's own, write retry where the experimental channel is installed",
} as const;

const time = {
  outcome: "approximated",
  text: "timeouts.backendRequest: the longest of send and read; nginx counts the silence between two parts, a Gateway the whole answer",
  todo: "see that no answer, streams included, takes longer; raise timeouts.backendRequest where one does",
} as const;

export const timeouts = defineAnnotations({
  title: "Timeouts and retries",
  annotations: {
    "proxy-connect-timeout": {
      outcome: "approximated",
      text: "a route has no timeout for connecting alone; the gateway's own holds",
    },
    "proxy-send-timeout": time,
    "proxy-read-timeout": time,
    "proxy-next-upstream": retries,
    "proxy-next-upstream-tries": retries,
    "proxy-next-upstream-timeout": retries,
  },
  apply(migration) {
    const given = names.slice(1).flatMap((name) => {
      const seconds = Number((migration.get(name) ?? "").replace(/s$/, ""));
      return migration.get(name) !== undefined && Number.isInteger(seconds) && seconds > 0 ? [{ name, seconds }] : [];
    });
    for (const name of names.slice(1))
      if (migration.get(name) !== undefined && !given.some((entry) => entry.name === name))
        migration.translated(name, "nothing to do: nginx ignores what is not a number of seconds above 0");
    const seconds = Math.min(86_400, Math.max(0, ...given.map((entry) => entry.seconds)));
    if (seconds === 0) return;
    for (const rule of rulesOf(migration)) rule.timeoutSeconds = seconds;
    for (const { name } of given)
      migration.approximated(
        name,
        `timeouts.backendRequest: ${seconds}s; nginx counts the silence between two parts, a Gateway the whole answer`,
        `see that no answer, streams included, takes longer than ${seconds} s; raise it where one does`,
      );
  },
});
