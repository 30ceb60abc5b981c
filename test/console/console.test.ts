import { expect, test } from "vitest";
import { startConsole } from "./lone-console.ts";

test("a body that cannot be taken is refused with its own reason", async () => {
  const call = await startConsole();
  const named = (length: number) => JSON.stringify({ name: "x".repeat(length - 11) });
  expect(await call("POST", "/api/keys", named(65_536))).toMatchObject({ status: 201 });
  expect(await call("POST", "/api/keys", named(65_537))).toEqual({
    status: 413,
    error: { type: "too_large", message: "The body may have 65536 bytes." },
  });
  expect(await call("POST", "/api/keys", "{")).toEqual({
    status: 400,
    error: { type: "invalid_request", message: "The body is not JSON." },
  });
  expect(await call("POST", "/api/keys", "{}", { "content-encoding": "rot13" })).toMatchObject({ status: 415 });
  expect(await call("POST", "/api/keys", "{}", { "content-type": "application/json; charset=latin1" })).toEqual({
    status: 415,
    error: { type: "unsupported_media", message: "The body must be JSON in UTF-8." },
  });
});

test("a path that cannot be read is not taken for a bad body", async () => {
  const call = await startConsole();
  expect(await call("DELETE", "/api/keys/%zz")).toEqual({
    status: 400,
    error: { type: "invalid_request", message: "The request cannot be read." },
  });
});

test("who spent what is asked for by query, and not without the operator's token", async () => {
  const call = await startConsole();
  expect(await call("GET", "/api/spend?by=model&window=month")).toEqual({
    status: 200,
    query: { by: "model", window: "month" },
  });
  expect(await call("GET", "/api/spend", undefined, { authorization: "Bearer no" })).toMatchObject({ status: 401 });
});

test("an endpoint of a pool is drained and taken back by its name", async () => {
  const call = await startConsole();
  expect(await call("PUT", "/api/endpoints/local-0/drain")).toEqual({ status: 204 });
  expect(await call("PUT", "/api/endpoints/team-a/local-0/drain")).toEqual({ status: 204 });
  expect(await call("DELETE", "/api/endpoints/local-0/drain")).toEqual({ status: 204 });
  expect(await call("PUT", "/api/endpoints/local-1/drain")).toMatchObject({
    status: 404,
    error: { message: "No endpoint of a pool has this name." },
  });
});
