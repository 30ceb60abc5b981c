import type { Operation, Target } from "../../core/operation.ts";

/** What tools and agents are counted under. Resources have any number of names: they go under that of their server. */
export const countedNameOf = ({ kind, server, name }: Target): string =>
  server === name || kind === "resource" ? server : `${server}/${name}`;

/** How a configuration names what is called: SERVER/TOOL, and agents and models by their name. */
export function targetNameOf({ protocol, target }: Operation): string {
  if (protocol === "mcp") return `${target.server}/${target.name}`;
  /* A task has the name of its agent. */
  return protocol === "a2a" ? target.server : target.name;
}

/** Whether an operation's target is one of these; a `*` at the end of a name stands for anything. */
export function matchTargets(names: readonly string[]): (operation: Operation) => boolean {
  if (names.length === 0) return () => false;
  const whole = new Set(names.filter((name) => !name.endsWith("*")));
  const starts = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  return (operation) => {
    const name = targetNameOf(operation);
    return whole.has(name) || starts.some((start) => name.startsWith(start));
  };
}
