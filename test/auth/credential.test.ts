import { expect, test } from "vitest";
import { createCredentialReader } from "../../src/auth/credential.ts";
import { toRequest } from "./start-auth.ts";

function onOneConnection() {
  const read = createCredentialReader();
  const connection = {};
  return (headers: Record<string, string>, query = "") => read({ ...toRequest("/mcp", headers, query), connection });
}

test("the same header on the same connection is read once", () => {
  const read = onOneConnection();
  const first = read({ authorization: "Bearer a.b.c" });
  expect(first).toMatchObject({ kind: "token", value: "a.b.c", digest: expect.stringMatching(/^[\w-]{43}$/) });
  expect(read({ authorization: "Bearer a.b.c" })).toBe(first);
});

test("a connection that many callers share has each read as their own", () => {
  const read = onOneConnection();
  const mine = read({ authorization: "Bearer a.b.c" });
  const others = read({ authorization: "Bearer a.b.d" });
  expect(others).toMatchObject({ kind: "token", value: "a.b.d" });
  expect(others).not.toHaveProperty("digest", "digest" in mine ? mine.digest : "");
  expect(read({ authorization: "Bearer a.b.c" })).toEqual(mine);
  expect(read({})).toEqual({ kind: "none" });
  expect(read({ "x-api-key": "k" })).toMatchObject({ kind: "key", value: "k" });
});

test("a header that was good does not hide what is wrong with the next request", () => {
  const read = onOneConnection();
  const authorization = "Bearer a.b.c";
  read({ authorization });
  expect(() => read({ authorization, "x-api-key": "k" })).toThrow(expect.objectContaining({ kind: "invalid_request" }));
  expect(() => read({ authorization }, "access_token=x")).toThrow(expect.objectContaining({ kind: "invalid_request" }));
  expect(read({ authorization: "Basic abc" })).toMatchObject({ kind: "bad" });
});

test("a key and a token of the same letters have different digests", () => {
  const read = onOneConnection();
  const token = read({ authorization: "Bearer a.b" });
  const key = read({ "x-api-key": "a.b" });
  expect("digest" in token && "digest" in key && token.digest !== key.digest).toBe(true);
});
