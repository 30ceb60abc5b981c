import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { relaySse, sseEvent, type SseEvent, type SseRelayOptions } from "../../src/http/sse.ts";

async function* chunks(...parts: readonly (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

/** The stream cut into pieces of `size` bytes, the first shorter by `offset`. */
function cut(bytes: Buffer, size: number, offset = 0): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = -offset; at < bytes.length; at += size) parts.push(bytes.subarray(Math.max(0, at), at + size));
  return parts;
}

interface Seen {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

async function relay(parts: readonly (Buffer | string)[], options: Partial<SseRelayOptions> = {}) {
  const out: Buffer[] = [];
  const seen: Seen[] = [];
  const leftover = await relaySse(chunks(...parts), {
    write: (bytes) => void out.push(Buffer.from(bytes)),
    ...options,
    onEvent: (event: SseEvent) => {
      if (event.data !== undefined) seen.push({ event: event.event, data: event.data.toString(), id: event.id });
      return options.onEvent?.(event);
    },
  });
  return { out: Buffer.concat(out).toString(), writes: out.map(String), seen, leftover: leftover.toString() };
}

/** What eventsource-parser, an independent reading of the specification, makes of the same bytes. */
function oracle(bytes: Buffer): Seen[] {
  const seen: Seen[] = [];
  const parser = createParser({ onEvent: ({ event, data, id }) => seen.push({ event: event ?? "", data, id }) });
  parser.feed(bytes.toString().replace(/^\uFEFF/, ""));
  return seen;
}

const streams: readonly (readonly [string, string])[] = [
  ["line feeds", 'event: message\nid: 1\ndata: {"a":"é€😀"}\n\ndata: two\n\n'],
  ["carriage returns", "event: a\rdata: one\r\rdata: two\r\r"],
  ["both", "event: a\r\ndata: one\r\n\r\ndata: two\r\n\r\n"],
  ["a mix", "data: a\r\ndata: b\n\r\ndata: c\r\n\ndata: d\n\r"],
  ["a byte order mark", "\uFEFFdata: one\n\ndata: \uFEFFtwo\n\n"],
  ["comments", ": ping\n\n:\n\ndata: one\n: inside\n\n"],
  ["several data lines", "data: a\ndata:\ndata:  b\ndata\n\n"],
  ["no space behind the colon", "data:one\nid:7\nevent:e\n\n"],
  ["fields that nobody knows", "x: 1\ndata: one\ndatax: 2\nxdata: 3\nretry: 10\nretry: x\n\n"],
  ["a block without data", "event: lost\n\nid: 5\n\ndata: one\n\n"],
  ["blank lines between", "\n\n\ndata: one\n\n\n\n\ndata: two\n\n"],
  ["a long line", `data: ${"x".repeat(300)}\n\ndata: [DONE]\n\n`],
];

describe("relaySse", () => {
  test.for(streams)("%s: passed on byte for byte and read alike, wherever the chunks are cut", async ([, text]) => {
    const bytes = Buffer.from(text);
    const expected = oracle(bytes);
    for (let at = 0; at <= bytes.length; at++) {
      const result = await relay([bytes.subarray(0, at), bytes.subarray(at)]);
      // A LF whose CR ended the last block may stay behind: the block is whole without it.
      expect([text, text.replace(/\r\n$/, "\r")]).toContain(result.out);
      expect(result.seen).toEqual(expected);
      expect(result.leftover).toBe("");
    }
    for (const size of [1, 2, 3, 7]) expect((await relay(cut(bytes, size))).seen).toEqual(expected);
  });

  test("any stream of lines is read as an independent parser reads it", async () => {
    const line = fc.constantFrom(
      "data: x",
      "data:é",
      "data",
      "id: 1",
      "event: e",
      ": c",
      "",
      "",
      "retry: 5",
      "data: {}",
      "foo",
    );
    const end = fc.constantFrom("\n", "\r", "\r\n");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(line, end), { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        async (lines, size) => {
          const bytes = Buffer.from(`${lines.flat().join("")}\n\n\n`);
          const result = await relay(cut(bytes, size));
          // Each block by itself: what an id of an earlier block means for later ones is the client's affair.
          expect(result.seen.map(({ event, data }) => ({ event, data }))).toEqual(
            oracle(bytes).map(({ event, data }) => ({ event, data })),
          );
          expect(result.out + result.leftover).toBe(bytes.toString());
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  test("a chunk of whole events is passed on in one write", async () => {
    const result = await relay(["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]);
    expect(result.writes).toEqual(["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]);
  });

  test("only whole events reach the caller when the upstream breaks off", async () => {
    const out: string[] = [];
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('data: 1\n\ndata: {"half');
      throw new GatewayError("upstream_truncated", "broke off");
    }
    const relayed = relaySse(broken(), { write: (bytes) => void out.push(bytes.toString()) });
    await expect(relayed).rejects.toMatchObject({ kind: "upstream_truncated" });
    expect(out).toEqual(["data: 1\n\n"]);
  });

  test("what follows the last whole event is given back, not passed on", async () => {
    const result = await relay(["data: 1\n\ndata: [DONE]\n"]);
    expect(result.out).toBe("data: 1\n\n");
    expect(result.leftover).toBe("data: [DONE]\n");
  });

  test("replaced data leaves comments, id, event and retry as they came", async () => {
    const text = ": c\r\nid: 7\r\nevent:  e\r\ndata: a\r\nretry: 5\r\ndata: b\r\n: d\r\n\r\n";
    const result = await relay([text], { onEvent: () => "x\ny" });
    expect(result.out).toBe(": c\r\nid: 7\r\nevent:  e\r\ndata: x\ndata: y\nretry: 5\r\n: d\r\n\r\n");
    expect(oracle(Buffer.from(result.out))).toMatchObject([{ event: " e", data: "x\ny", id: "7" }]);
  });

  test("verdicts mix: passed, replaced later, dropped", async () => {
    const result = await relay(["data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n"], {
      onEvent: async ({ data }) => {
        await Promise.resolve();
        if (data?.toString() === "2") return Buffer.from("two");
        return data?.toString() === "3" ? null : undefined;
      },
    });
    expect(result.out).toBe("data: 1\n\ndata: two\n\ndata: 4\n\n");
  });

  test("an event beyond the limit ends the relay, after what came whole before it", async () => {
    const out: string[] = [];
    const relayed = relaySse(chunks("data: 1\n\ndata: ", "x".repeat(600), "x".repeat(600)), {
      write: (bytes) => void out.push(bytes.toString()),
      maxEventBytes: 1_000,
    });
    await expect(relayed).rejects.toMatchObject({ kind: "upstream_invalid" });
    expect(out).toEqual(["data: 1\n\n"]);
  });

  test("the next chunk is not pulled before the last one was taken", async () => {
    let pulled = 0;
    let release: (() => void) | undefined;
    async function* source(): AsyncGenerator<Buffer> {
      for (let n = 0; n < 3; n++) {
        pulled++;
        yield Buffer.from("data: x\n\n");
      }
    }
    const relayed = relaySse(source(), { write: () => new Promise<void>((resolve) => (release = resolve)) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(1);
    for (let n = 0; n < 3; n++) {
      release?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await relayed;
    expect(pulled).toBe(3);
  });

  test("a silent stream gets comments, between events only", async () => {
    const out: string[] = [];
    let done: (() => void) | undefined;
    async function* slow(): AsyncGenerator<Buffer> {
      yield Buffer.from("data: 1\n\ndata: ha");
      await new Promise<void>((resolve) => (done = resolve));
      yield Buffer.from("lf\n\n");
    }
    await relaySse(slow(), {
      keepAliveMs: 5,
      write: (bytes) => {
        out.push(bytes.toString());
        if (bytes.toString().startsWith(":")) done?.();
      },
    });
    expect(out[0]).toBe("data: 1\n\n");
    expect(out.at(-1)).toBe("data: half\n\n");
    expect(new Set(out.slice(1, -1))).toEqual(new Set([": keep-alive\n\n"]));
  });
});

describe("sseEvent", () => {
  test("what is written is what a parser reads", () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[a-z]+$/), (data, name) => {
        const text = sseEvent(data, name, "1");
        expect(oracle(Buffer.from(text))).toEqual([{ event: name, data: data.replace(/\r\n|\r/g, "\n"), id: "1" }]);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  test("a name or id cannot bring lines of its own", () => {
    expect(sseEvent("x", "a\ndata: evil", "1\r\ndata: evil")).toBe(
      "event: a data: evil\nid: 1  data: evil\ndata: x\n\n",
    );
  });
});
