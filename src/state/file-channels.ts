import { realpathSync } from "node:fs";
import type { Log } from "../core/log.ts";
import { type Channels, createChannels } from "./channels.ts";

/** Stores of one process on one file hear each other; other processes do not. */
const channelsByFile = new Map<string, { readonly channels: Channels; users: number }>();

/** The channels of a file that exists, shared by all who have joined and not left. */
export function joinFileChannels(file: string, log: Log): { readonly channels: Channels; leave(): void } {
  const name = realpathSync(file);
  const entry = channelsByFile.get(name) ?? { channels: createChannels(log), users: 0 };
  channelsByFile.set(name, entry);
  entry.users += 1;
  return {
    channels: entry.channels,
    leave() {
      entry.users -= 1;
      if (entry.users === 0) channelsByFile.delete(name);
    },
  };
}
