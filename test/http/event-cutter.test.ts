import { describe, expect, it } from "vitest";
import { createEventCutter } from "../../src/http/event-cutter.ts";

/** The data of every event and the bytes passed on, with the input cut at the given places. */
function cut(input: Buffer, places: readonly number[]): { data: (string | undefined)[]; bytes: string } {
  const cutter = createEventCutter(1_000);
  const data: (string | undefined)[] = [];
  let bytes = "";
  const ends = [...places, input.length];
  let from = 0;
  for (const end of ends) {
    const result = cutter.push(input.subarray(from, end));
    from = end;
    if (result === undefined) continue;
    bytes += result.bytes.toString("utf8");
    for (const event of result.events) data.push(event.data);
  }
  return { data, bytes };
}

const samples: readonly [string, string, (string | undefined)[]][] = [
  ["line feeds", 'data: {"a":1}\n\ndata: [DONE]\n\n', ['{"a":1}', "[DONE]"]],
  ["carriage returns and line feeds", "data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]],
  ["mixed line ends", "data: one\r\n\ndata: two\n\r\ndata: three\n\n", ["one", "two", "three"]],
  ["several data lines", "data: one\ndata:two\ndata\ndata: \n\n", ["one\ntwo\n\n"]],
  ["comments, ids and names", ": ping\n\nevent: x\nid: 7\ndata: one\n\n", [undefined, "one"]],
  ["characters of several bytes", "data: é€𝄞\n\ndata: ü\n\n", ["é€𝄞", "ü"]],
  ["names that only look like data", "database: no\ndat: no\n\ndata: yes\n\n", [undefined, "yes"]],
];

describe("the event cutter", () => {
  it.each(samples)("cuts %s the same wherever the chunks begin", (_, text, expected) => {
    const input = Buffer.from(text);
    for (let first = 0; first <= input.length; first++) {
      for (let second = first; second <= input.length; second++) {
        const result = cut(input, [first, second]);
        expect(result).toEqual({ data: expected, bytes: text });
      }
    }
  });

  it("ends events at lone carriage returns", () => {
    const input = "data: one\r\rdata: two\r\rdata: three\r\r.";
    expect(cut(Buffer.from(input), [3, 10, 11, 12, 25]).data).toEqual(["one", "two", "three"]);
  });

  it("drops a byte order mark, even one cut in three", () => {
    const input = Buffer.from("\uFEFFdata: one\n\n");
    expect(cut(input, [1, 2])).toEqual({ data: ["one"], bytes: "data: one\n\n" });
    expect(cut(input, [])).toEqual({ data: ["one"], bytes: "data: one\n\n" });
  });

  it("passes on whole events only", () => {
    const cutter = createEventCutter(1_000);
    expect(cutter.push(Buffer.from("data: one\n\ndata: tw"))?.bytes.toString()).toBe("data: one\n\n");
    expect(cutter.push(Buffer.from("o"))).toBeUndefined();
    expect(cutter.flush()?.events.map(({ data }) => data)).toEqual(["two"]);
    expect(cutter.flush()).toBeUndefined();
  });

  it("refuses an event beyond the limit, however it is fed", () => {
    const cutter = createEventCutter(100);
    expect(() => {
      for (let count = 0; count < 101; count++) cutter.push(Buffer.from("x"));
    }).toThrow("too large");
  });
});
