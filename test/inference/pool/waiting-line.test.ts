import { describe, expect, it } from "vitest";
import { LightAbortSignal } from "../../../src/core/abort.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { type LineBounds, WaitingLine } from "../../../src/inference/pool/waiting-line.ts";

function scene(bounds: Partial<LineBounds> = {}) {
  const gone: string[] = [];
  const turnedAway: Record<string, string> = {};
  const lengths: number[] = [];
  const line = new WaitingLine<string>({
    bounds: () => ({ waiting: 100, bytes: 1_000, ttl: 60_000, ...bounds }),
    changed: (length) => void lengths.push(length),
  });
  let count = 0;
  const wait = (flow: string, priority = 0, bytes = 1, signal = new LightAbortSignal()) => {
    const name = `${flow}${++count}`;
    line
      .wait({ flow, priority, bytes, signal }, () => name)
      .then(
        (given) => gone.push(given),
        (error: unknown) => {
          turnedAway[name] = String((error as GatewayError).headers?.["x-llm-d-request-dropped-reason"] ?? error);
        },
      );
    return signal;
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  const letGo = async (most = Infinity) => {
    for (let left = most; line.length > 0 && left > 0; left--) line.next();
    await settle();
    return gone.join(" ");
  };
  return { line, wait, letGo, turnedAway, settle, lengths };
}

describe("calls that wait for room", () => {
  it("go in turn for each flow, and in order within it", async () => {
    const { wait, letGo } = scene();
    for (const flow of ["a", "a", "a", "a", "b", "c", "c"]) wait(flow);
    expect(await letGo()).toBe("a1 b5 c6 a2 c7 a3 a4");
  });

  it("go by priority first", async () => {
    const { wait, letGo } = scene();
    wait("a");
    wait("b", 5);
    wait("a", -1);
    wait("a", 5);
    expect(await letGo()).toBe("b2 a4 a1 a3");
  });

  it("of a flow that comes later get their turn at once, however many another has", async () => {
    const { wait, letGo } = scene();
    for (let count = 0; count < 50; count++) wait("hog");
    await letGo(10);
    wait("late");
    expect((await letGo(2)).split(" ").at(-1)).toBe("late51");
  });

  it("are turned away when the line is full, unless another has many more or a lower priority", async () => {
    const { line, wait, letGo, settle, turnedAway } = scene({ waiting: 3 });
    for (const flow of ["a", "a", "a", "a"]) wait(flow);
    await settle();
    expect(turnedAway).toEqual({ a4: "rejected-saturated" });
    wait("b");
    await settle();
    expect(turnedAway).toMatchObject({ a3: "evicted-queue-pressure" });
    wait("c", 7);
    await settle();
    expect(turnedAway).toMatchObject({ a2: "evicted-priority" });
    expect(line.length).toBe(3);
    expect(await letGo()).toBe("c6 a1 b5");
  });

  it("have a bound in bytes too, and one that is larger is turned away without anybody else", async () => {
    const { wait, settle, turnedAway } = scene({ bytes: 10 });
    wait("a", 0, 6);
    wait("b", 0, 6);
    wait("c", 0, 11);
    await settle();
    expect(turnedAway).toEqual({ b2: "rejected-saturated", c3: "rejected-saturated" });
  });

  it("leave when they are aborted, and when their time is over", async () => {
    const { line, wait, letGo, turnedAway, lengths } = scene({ ttl: 20 });
    const signal = wait("a");
    wait("b");
    signal.abort(new GatewayError("cancelled", "gone"));
    expect(line.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(turnedAway).toEqual({ a1: "GatewayError: gone", b2: "rejected-ttl-expired" });
    expect(await letGo()).toBe("");
    expect(lengths).toEqual([1, 2, 1, 0]);
  });

  it("are all told when the gateway stops", async () => {
    const { line, wait, settle, turnedAway } = scene();
    for (const flow of ["a", "b", "b"]) wait(flow, flow === "a" ? 1 : 0);
    line.close(new GatewayError("draining", "The gateway is stopping."));
    await settle();
    expect(Object.keys(turnedAway)).toHaveLength(3);
    expect(line.length).toBe(0);
  });

  it("share what there is evenly between flows, whatever each asks for", async () => {
    const { line, wait, letGo } = scene({ waiting: 60 });
    for (let round = 0; round < 300; round++) {
      for (let count = 0; count < 10; count++) wait("hog");
      wait("modest");
      wait("quiet", 0, 1);
      line.next();
      line.next();
    }
    const gone = (await letGo(0)).split(" ").map((name) => name.replace(/\d+$/, ""));
    const share = (flow: string) => gone.filter((each) => each === flow).length / gone.length;
    for (const flow of ["hog", "modest", "quiet"]) expect(share(flow)).toBeGreaterThan(0.3);
  });
});
