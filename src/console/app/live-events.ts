import type { End, Tick } from "../api/overview.ts";
import { connection } from "./api.ts";
import { createLive } from "./live.ts";

const live = createLive("/api/live");

/** What was counted, each second, until the returned function is called. */
export function onTick(listener: (tick: Tick) => void): () => void {
  return live.on("tick", (data) => listener(data as Tick));
}

/** Keeps the stream open, and notices when the session ends. */
export function stayLive(): () => void {
  const stopTicks = live.on("tick", () => undefined);
  const stopEnd = live.on("end", (data) => {
    if ((data as End).reason === "session") connection.set("signed-out");
  });
  return () => {
    stopTicks();
    stopEnd();
  };
}
