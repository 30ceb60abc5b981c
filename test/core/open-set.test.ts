import { expect, test } from "vitest";
import { createOpenSet } from "../../src/core/open-set.ts";

const member = (name: string) => ({ name, place: -1 });

test("members come and go in any order, and the rest stay", () => {
  const set = createOpenSet<ReturnType<typeof member>>();
  const [a, b, c, d] = [member("a"), member("b"), member("c"), member("d")];
  for (const each of [a, b, c, d]) set.add(each);
  set.delete(b);
  expect(new Set(set.all())).toEqual(new Set([a, c, d]));
  set.delete(d);
  set.delete(a);
  expect(set.all()).toEqual([c]);
  set.add(b);
  set.delete(c);
  expect(set.all()).toEqual([b]);
  expect(set.size).toBe(1);
});

test("adding twice and deleting twice change nothing", () => {
  const set = createOpenSet<ReturnType<typeof member>>();
  const [a, b] = [member("a"), member("b")];
  set.delete(a);
  set.add(a);
  set.add(a);
  set.add(b);
  set.delete(a);
  set.delete(a);
  expect(set.all()).toEqual([b]);
});

test("the list of members does not change with the set: it can be walked while they leave", () => {
  const set = createOpenSet<ReturnType<typeof member>>();
  const members = [member("a"), member("b"), member("c")];
  for (const each of members) set.add(each);
  for (const each of set.all()) set.delete(each);
  expect(set.size).toBe(0);
});
