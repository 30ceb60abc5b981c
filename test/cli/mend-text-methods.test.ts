import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const at = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));

/* What V8 says of the prototypes of the built-ins, in a process that has loaded all of the gateway. */
const program = `
  const builtIns = { String, Array, Object, Map, Set, Promise, RegExp, Number, Function, Date, Error, WeakMap, Buffer, Uint8Array };
  const slow = () => Object.keys(builtIns).filter((name) => !%HasFastProperties(builtIns[name].prototype));
  await import(${at("../../src/cli/serve.ts")});
  const { mendTextMethods } = await import(${at("../../src/cli/mend-text-methods.ts")});
  const before = slow();
  mendTextMethods();
  console.log(JSON.stringify({ before, after: slow() }));
`;

test("what libraries do to the built-ins' prototypes is mended: V8 has all of them in their fast form", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--allow-natives-syntax",
    "--input-type=module",
    "--eval",
    program,
  ]);
  const { before, after } = JSON.parse(stdout) as { readonly before: string[]; readonly after: string[] };
  expect(after).toEqual([]);
  // Once no library spoils any, there is nothing left to mend: then the function and this line can go.
  expect(before).toEqual(["String"]);
});
