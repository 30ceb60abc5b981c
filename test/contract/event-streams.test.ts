import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEventBlocks } from "../../src/a2a/event-blocks.ts";
import { createEventCutter } from "../../src/http/event-cutter.ts";
import { fromStart } from "../../src/mcp/upstreams/endpoint.ts";
import { sseMessages } from "../../src/mcp/sse-messages.ts";

const LIMIT_BYTES = 10_000;

async function* chunks(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield part;
}

/** How each protocol reads the payloads of a stream. */
const readers: Readonly<Record<string, (parts: readonly Buffer[]) => Promise<string[]>>> = {
  async models(parts) {
    const cutter = createEventCutter(LIMIT_BYTES);
    const cuts = [...parts.map((part) => cutter.push(part)), cutter.flush()];
    return cuts.flatMap((cut) => cut?.events.flatMap(({ data }) => data ?? []) ?? []);
  },
  async tools(parts) {
    const read: string[] = [];
    for await (const message of sseMessages(chunks(parts), LIMIT_BYTES, fromStart())) read.push(message.toString());
    return read;
  },
  async agents(parts) {
    const read: string[] = [];
    // A block of comments, or of an event without data, goes by as it is.
    for await (const { data } of readEventBlocks(chunks(parts), LIMIT_BYTES)) if (data !== "") read.push(data);
    return read;
  },
};

/** What eventsource-parser, an independent reading of the specification, makes of the same bytes. */
function readByParser(bytes: Buffer): string[] {
  const read: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => read.push(data) });
  parser.feed(bytes.toString().replace(/^\uFEFF/, ""));
  return read;
}

/** The bytes in pieces of `size`. */
const cut = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

/* No protocol has an event whose payload is nothing, and none reads one. */
const said = (payloads: readonly string[]) => payloads.filter((payload) => payload.trim() !== "");

const line = fc.constantFrom(
  "data: x",
  "data:é€",
  'data: {"a":1}',
  "id: 1",
  "event: e",
  ": c",
  "",
  "",
  "retry: 5",
  "foo",
);

describe.each(Object.entries(readers))("a stream of %s", (_, read) => {
  test.for<[string, string]>([
    ["line feeds", 'event: message\nid: 1\ndata: {"a":"é€😀"}\n\ndata: two\n\n'],
    ["carriage returns", "event: a\rdata: one\r\rdata: two\r\r"],
    ["both", "event: a\r\ndata: one\r\n\r\ndata: two\r\n\r\n"],
    ["a mix", "data: a\r\ndata: b\n\r\ndata: c\r\n\ndata: d\n\r\n"],
    ["a byte order mark", "\uFEFFdata: one\n\ndata: \uFEFFtwo\n\n"],
    ["comments", ": ping\n\n:\n\ndata: one\n: inside\n\n"],
    ["several data lines", "data: a\ndata:\ndata:  b\ndata\n\n"],
    ["no space behind the colon", "data:one\nid:7\nevent:e\n\n"],
    ["fields that nobody knows", "x: 1\ndata: one\ndatax: 2\nxdata: 3\nretry: 10\nretry: x\n\n"],
    ["an event without data", "event: lost\n\nid: 5\n\ndata: one\n\n"],
    ["blank lines between", "\n\n\ndata: one\n\n\n\n\ndata: two\n\n"],
  ])("with %s is read as an independent parser reads it, wherever its chunks begin", async ([, text]) => {
    const bytes = Buffer.from(text);
    const expected = readByParser(bytes);
    for (let at = 0; at <= bytes.length; at++)
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    for (const size of [1, 2, 3, 7]) expect(await read(cut(bytes, size))).toEqual(expected);
  });

  test("of any lines is read as an independent parser reads it", async () => {
    const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 9 }), async (written, size) => {
        const bytes = Buffer.from(`${written.flat().join("")}\n\n\n`);
        expect(said(await read(cut(bytes, size)))).toEqual(said(readByParser(bytes)));
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
