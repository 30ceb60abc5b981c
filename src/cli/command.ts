/** One `--option`. `value` names its argument in the help text. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly description: string;
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string | boolean;
}

type OptionValue<O extends OptionSpec> = O extends { type: "boolean" }
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : O extends { default: string }
      ? string
      : string | undefined;

/** Booleans that were not given are false, repeatable options that were not given are empty. */
export type OptionValues<O extends Readonly<Record<string, OptionSpec>>> = {
  readonly [K in keyof O]: OptionValue<O[K]>;
};

/** Where a command writes: one line a call, without the line break. Results go to `out`, everything else to `err`. */
export interface CommandOutput {
  out(line: string): void;
  err(line: string): void;
}

export interface CommandInput<O extends Readonly<Record<string, OptionSpec>>> extends CommandOutput {
  readonly options: OptionValues<O>;
  /** What follows the command's name, options taken out. */
  readonly args: readonly string[];
}

export interface CommandSpec<O extends Readonly<Record<string, OptionSpec>>> {
  /** What follows `sallyport NAME`, such as `FILE [--json]`. */
  readonly usage: string;
  /** How many arguments may stand beside the options: [least, most]. Default: none. */
  readonly args?: readonly [number, number];
  readonly options: O;
  /** The exit code. A UsageError ends with 2, any other error with 1 and its message. */
  run(input: CommandInput<O>): number | Promise<number>;
}

/** A command whose option types have been checked by `defineCommand`. */
export type Command = CommandSpec<Readonly<Record<string, OptionSpec>>>;

/** A command as the list of commands knows it. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** Declares one command: its options and what it does. One file and one entry in `registry.ts` each. */
export function defineCommand<const O extends Readonly<Record<string, OptionSpec>>>(spec: CommandSpec<O>): Command {
  return spec;
}

/** The command line itself was wrong: shown with the command's usage, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
