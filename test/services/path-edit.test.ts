import fc from "fast-check";
import { expect, test } from "vitest";
import { replacePrefix } from "../../src/services/path-edit.ts";

/* The table of Gateway API, HTTPPathModifier.replacePrefixMatch. */
test.for([
  ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
  ["/foo", "/foo", "/xyz", "/xyz"],
  ["/foo/", "/foo", "/xyz", "/xyz/"],
  ["/foo/bar", "/foo", "", "/bar"],
  ["/foo/", "/foo", "", "/"],
  ["/foo", "/foo", "", "/"],
  ["/foo/", "/foo", "/", "/"],
  ["/foo", "/foo", "/", "/"],
  ["/any/path", "/", "/new", "/new/any/path"],
  ["/", "/", "/new", "/new/"],
] as const)("%s without %s and with %s is %s", ([path, prefix, replacement, expected]) => {
  expect(replacePrefix(path, prefix, replacement)).toBe(expected);
});

test("what comes of it is one path: it starts with a slash, has no empty segment, and ends as it did", () => {
  const segment = fc.stringMatching(/^[a-z]{1,4}$/);
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
  const end = fc.constantFrom("", "/");
  fc.assert(
    fc.property(
      path,
      end,
      fc.option(path, { nil: "" }),
      end,
      fc.option(path, { nil: "" }),
      end,
      (prefix, a, rest, b, to, c) => {
        const replacement = to + (to === "" ? "" : c);
        const edited = replacePrefix(prefix + rest + b, prefix + a, replacement);
        expect(edited).toMatch(/^\/(?:[a-z]+\/)*(?:[a-z]+)?$/);
        expect(edited).toBe(to + rest + b || "/");
      },
    ),
  );
});
