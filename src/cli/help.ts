import type { Command, CommandEntry } from "./command.ts";

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function usageLine(name: string, { usage }: Command): string {
  return `usage: sallyport ${name}${usage === "" ? "" : ` ${usage}`}`;
}

/** The help of the whole program, as lines. */
export function generalHelp(commands: readonly CommandEntry[]): string[] {
  return [
    "Sallyport: one gateway between AI agents and everything they touch.",
    "",
    "usage: sallyport COMMAND [OPTIONS]",
    "",
    ...columns(commands.map((command) => [command.name, command.summary])),
    "",
    "sallyport COMMAND --help tells more of one; sallyport --version tells the version.",
  ];
}

/** The help of one command, as lines. */
export function commandHelp({ name: commandName, summary }: CommandEntry, command: Command): string[] {
  const options = Object.entries(command.options).map(([name, option]): [string, string] => {
    const short = option.short === undefined ? "" : `-${option.short}, `;
    const value = option.type === "string" ? ` ${option.value ?? "TEXT"}` : "";
    const initial = option.default === undefined ? "" : ` (default: ${option.default})`;
    return [`${short}--${name}${value}`, `${option.description}${initial}`];
  });
  return [usageLine(commandName, command), "", summary, "", ...columns([...options, ["--help", "show this text"]])];
}

/** What stands under a usage error. */
export function usageHint({ name }: CommandEntry, command: Command): string {
  return `${usageLine(name, command)}   (--help tells more)`;
}
