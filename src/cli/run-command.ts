import { parseArgs } from "node:util";
import { nearest } from "../core/nearest.ts";
import {
  type Command,
  type CommandEntry,
  type CommandOutput,
  type OptionValues,
  type OptionSpec,
  UsageError,
} from "./command.ts";
import { failureText } from "./failure-text.ts";
import { commandHelp, generalHelp, usageHint } from "./help.ts";

/** The exit codes: 0 done, 1 the command failed, 2 the command line was wrong. */
const FAILED = 1;
const WRONG_USAGE = 2;

const didYouMean = (word: string | undefined) => (word === undefined ? "" : ` Did you mean "${word}"?`);

function parseOptions(name: string, command: Command, argv: readonly string[]) {
  const known = { ...command.options, help: { type: "boolean", short: "h", description: "" } as OptionSpec };
  const options = Object.fromEntries(
    Object.entries(known).map(([option, { type, short, multiple, default: initial }]) => [
      option,
      {
        type,
        ...(short !== undefined && { short }),
        ...(multiple !== undefined && { multiple }),
        ...(initial !== undefined && { default: initial }),
      },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) {
      const near = nearest(token.name, Object.keys(known));
      throw new UsageError(
        `${name} has no option ${token.rawName}.${didYouMean(near === undefined ? near : `--${near}`)}`,
      );
    }
  }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    for (const [key, option] of Object.entries(known)) {
      if (option.multiple) values[key] ??= [];
      else if (option.type === "boolean") values[key] ??= false;
    }
    return { values: values as OptionValues<Command["options"]> & { help: boolean }, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function checkArgumentCount(name: string, [least, most]: readonly [number, number], count: number): void {
  if (count < least) throw new UsageError(`${name} needs ${least === 1 ? "an argument" : `${least} arguments`}.`);
  if (count > most) throw new UsageError(`${name} takes ${most === 0 ? "no argument" : `at most ${most}`}.`);
}

async function runOne(entry: CommandEntry, argv: readonly string[], output: CommandOutput): Promise<number> {
  let command: Command | undefined;
  try {
    command = await entry.load();
    const { values, positionals } = parseOptions(entry.name, command, argv);
    if (values.help) {
      for (const line of commandHelp(entry, command)) output.out(line);
      return 0;
    }
    checkArgumentCount(entry.name, command.args ?? [0, 0], positionals.length);
    return await command.run({ options: values, args: positionals, out: output.out, err: output.err });
  } catch (error) {
    const { message, stack } = failureText(error);
    output.err(`sallyport: ${message}`);
    const misused = error instanceof UsageError;
    if (misused && command !== undefined) output.err(usageHint(entry, command));
    if (stack !== undefined) output.err(stack);
    return misused ? WRONG_USAGE : FAILED;
  }
}

/** Runs what the command line asks for and gives its exit code. `argv` starts with the command's name. */
export async function runCommand(
  commands: readonly CommandEntry[],
  version: string,
  argv: readonly string[],
  output: CommandOutput,
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-v") {
    output.out(version);
    return 0;
  }
  if (name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    for (const line of generalHelp(commands)) output.out(line);
    return 0;
  }
  const wanted = name === "help" ? rest[0] : name;
  const command = commands.find((candidate) => candidate.name === wanted);
  if (command !== undefined) return runOne(command, name === "help" ? ["--help"] : rest, output);
  if (wanted === undefined) for (const line of generalHelp(commands)) output.err(line);
  else {
    const near = nearest(wanted, [...commands.map((candidate) => candidate.name), "--help", "--version"]);
    output.err(`sallyport: no ${wanted.startsWith("-") ? "option" : "command"} "${wanted}".${didYouMean(near)}`);
    output.err("sallyport --help lists the commands.");
  }
  return WRONG_USAGE;
}
