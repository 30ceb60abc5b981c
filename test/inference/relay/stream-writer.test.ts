import { expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import type { OperationContext } from "../../../src/core/step.ts";
import { dialects } from "../../../src/inference/dialects/registry.ts";
import { StreamWriter } from "../../../src/inference/relay/stream-writer.ts";

/** A caller who has taken nothing for a while: the next byte has to wait. */
function createSlowCaller() {
  const leaving = new AbortController();
  let drain = () => {};
  const reply = {
    id: "",
    started: true,
    status: 200,
    setHeader: () => {},
    send: () => {},
    open: () => {},
    write: () => new Promise<void>((resolve) => (drain = resolve)),
    end: () => {},
    destroy: () => {},
  };
  const context = { exchange: { reply }, signal: leaving.signal, startedAtMs: 0 } as unknown as OperationContext;
  const response = { status: 200, headers: {}, body: (async function* () {})(), bytes: async () => Buffer.alloc(0) };
  return {
    leave() {
      leaving.abort(new GatewayError("cancelled", "The caller went away."));
      drain();
    },
    drain: () => drain(),
    writer: new StreamWriter(
      {
        context,
        response: { ...response, discard: () => {}, cancel: () => {} },
        clock: systemClock,
        keepAliveMayOpen: true,
        to: dialects.openai,
        headers: {},
      },
      () => {},
    ),
  };
}

test("a caller who leaves while a keep-alive waits for it is no failure of the gateway", async () => {
  const { writer, leave } = createSlowCaller();
  // An unhandled rejection would end the process, and fail this test.
  writer.beat();
  expect(writer.stuck).toBe(true);
  leave();
  await new Promise((resolve) => setImmediate(resolve));
  await expect(writer.write(Buffer.from("data: 1\n\n"), true)).rejects.toMatchObject({ kind: "cancelled" });
});

test("no second keep-alive is written while one waits", async () => {
  const { writer, drain } = createSlowCaller();
  writer.beat();
  writer.beat();
  drain();
  await new Promise((resolve) => setImmediate(resolve));
  expect(writer.stuck).toBe(false);
});
