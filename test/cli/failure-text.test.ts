import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failureText } from "../../src/cli/failure-text.ts";
import { makeFolder } from "../config/config-folder.ts";

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}

test("what the system refuses of a path is said with the path and what to do, without a stack", () => {
  const folder = makeFolder({ plain: "" });
  const cases = [
    [() => closeSync(openSync(folder.at("none"), "r")), `there is no ${folder.at("none")}: check the path`],
    [() => mkdirSync(join(folder.at("plain"), "inner")), "something on the way to it is no folder"],
    [() => writeFileSync(folder.at("."), ""), "is a folder: name a file"],
    [() => mkdirSync(folder.at("plain")), `${folder.at("plain")} is there already`],
  ] as const;
  for (const [action, message] of cases) {
    const text = failureText(thrownBy(action));
    expect(text).toEqual({ message: expect.stringContaining(message) as string, stack: undefined });
    expect(text.message).not.toContain("\n");
  }
});

test("an address that cannot be listened on is named", async () => {
  const server = createServer().listen(0, "192.0.2.1");
  const [error] = (await once(server, "error")) as [Error];
  expect(failureText(error)).toEqual({
    message: "192.0.2.1 is no address of this machine: choose another host to listen on",
    stack: undefined,
  });
});

test("anything else is its own message; only a mistake in the code brings its place", () => {
  expect(failureText(new Error("no samples"))).toEqual({ message: "no samples", stack: undefined });
  expect(failureText(new AggregateError([], ""))).toEqual({ message: "AggregateError", stack: undefined });
  expect(failureText("odd")).toEqual({ message: "odd", stack: undefined });
  const bug = failureText(thrownBy(() => void (undefined as unknown as string).length));
  expect(bug.message).toMatch(/undefined/);
  expect(bug.stack).toMatch(/^ {4}at .*failure-text\.test\.ts/);
});
