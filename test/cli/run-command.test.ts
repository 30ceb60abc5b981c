import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CommandEntry, defineCommand, UsageError } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";

const greet = defineCommand({
  usage: "NAME [--loud]",
  args: [1, 2],
  options: {
    loud: { type: "boolean", short: "l", description: "in capitals" },
    word: { type: "string", value: "WORD", default: "hello", description: "what to say" },
    to: { type: "string", multiple: true, description: "further names" },
  },
  run({ options, args, out }) {
    if (args[0] === "nobody") throw new UsageError("greet needs somebody.");
    if (args[0] === "broken") throw new Error("the voice is gone");
    if (args[0] === "mistaken") throw new RangeError("no such octave");
    if (args[0]?.startsWith("/")) out(readFileSync(args[0], "utf8"));
    const text = [options.word, ...args, ...options.to].join(" ");
    out(options.loud ? text.toUpperCase() : text);
    return 0;
  },
});

const entry: CommandEntry = { name: "greet", summary: "say hello", load: () => Promise.resolve(greet) };

async function run(argv: readonly string[], known: readonly CommandEntry[] = [entry]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(known, "1.2.3", argv, { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

describe("the command line", () => {
  test("hands options, their defaults and arguments to the command", async () => {
    expect(await run(["greet", "ada"])).toEqual({ code: 0, out: "hello ada", err: "" });
    expect((await run(["greet", "-l", "ada", "--word=hi", "--to", "bob", "--to", "eve"])).out).toBe("HI ADA BOB EVE");
    expect((await run(["greet", "--", "--loud"])).out).toBe("hello --loud");
  });

  test.for([
    ["an unknown command", ["gret"], 'no command "gret". Did you mean "greet"?'],
    ["an unknown option of the program", ["--verison"], 'no option "--verison". Did you mean "--version"?'],
    ["an unknown option", ["greet", "ada", "--luod"], 'no option --luod. Did you mean "--loud"?'],
    ["an option without its value", ["greet", "ada", "--word"], "--word"],
    ["a value for a switch", ["greet", "ada", "--loud=yes"], "--loud"],
    ["a missing argument", ["greet"], "greet needs an argument."],
    ["an argument too many", ["greet", "a", "b", "c"], "greet takes at most 2."],
    ["what the command itself calls wrong usage", ["greet", "nobody"], "greet needs somebody."],
    ["no command", [], "usage: sallyport COMMAND"],
  ] as const)("%s ends with code 2 and says what would be right", async ([, argv, message]) => {
    const { code, out, err } = await run(argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
  });

  test("a command that fails ends with code 1 and its message", async () => {
    expect(await run(["greet", "broken"])).toEqual({ code: 1, out: "", err: "sallyport: the voice is gone" });
  });

  test("a path that is not there is one line that names it and says what to do", async () => {
    expect(await run(["greet", "/no/such/choir"])).toEqual({
      code: 1,
      out: "",
      err: "sallyport: there is no /no/such/choir: check the path, or make it first",
    });
  });

  test("a mistake in the code shows where it happened", async () => {
    const { code, err } = await run(["greet", "mistaken"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^sallyport: no such octave\n +at .*run-command\.test\.ts/);
  });

  test("tells its version and its help, of the program and of each command", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, out: "1.2.3", err: "" });
    expect((await run(["--help"])).out).toMatch(/greet +say hello/);
    for (const argv of [
      ["greet", "--help"],
      ["greet", "-h"],
      ["help", "greet"],
    ]) {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      expect(out).toMatch(/usage: sallyport greet NAME \[--loud\][^]*--word WORD +what to say \(default: hello\)/);
    }
  });

  test("loads a command only when it is asked for: the gateway is most of a second", async () => {
    const heavy: CommandEntry = { ...entry, load: () => Promise.reject(new Error("was loaded")) };
    for (const argv of [["--version"], ["--help"], ["help"], ["gret"], []])
      expect((await run(argv, [heavy])).err).not.toContain("was loaded");
    expect(await run(["greet", "ada"], [heavy])).toEqual({ code: 1, out: "", err: "sallyport: was loaded" });
    const registry = readFileSync(new URL("../../src/cli/registry.ts", import.meta.url), "utf8");
    expect(registry.match(/^import .*/gm)).toEqual([expect.stringMatching(/^import type /)]);
  });

  test("every command of Sallyport has help that names its options", async () => {
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
    for (const { name, load } of commands) {
      const { code, out } = await run([name, "--help"], commands);
      expect(code).toBe(0);
      expect(Object.keys((await load()).options).filter((option) => !out.includes(`--${option}`))).toEqual([]);
    }
  });
});
