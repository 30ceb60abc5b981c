import { connect } from "node:net";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { parseHttpConfig } from "../../src/http/config.ts";
import { createEdge, type Edge, type EdgeOptions, type Incoming } from "../../src/http/edge.ts";

export interface RunningEdge {
  readonly edge: Edge;
  readonly port: number;
  readonly url: string;
}

/** An edge on a free port of this machine. `config` is what a person would write. */
export async function startEdge(
  dispatch: EdgeOptions["dispatch"],
  config: Record<string, unknown> = {},
  more: Partial<EdgeOptions> = {},
): Promise<RunningEdge> {
  const { listen, ...rest } = config;
  const edge = createEdge({
    config: parseHttpConfig({ ...rest, listen: { port: 0, host: "127.0.0.1", ...(listen as object) } }),
    listener: "data",
    dispatch,
    clock: systemClock,
    log: silentLog,
    ...more,
  });
  const { port } = await edge.listen();
  return { edge, port, url: `http://127.0.0.1:${port}` };
}

/** Answers with the request as the edge read it. */
export async function echo(incoming: Incoming): Promise<void> {
  const { method, path, query, headers, host, scheme, ip } = incoming.request;
  const body = incoming.hasBody
    ? (await incoming.readBody({ limitBytes: 1_000_000, json: false })).toString("latin1")
    : "";
  incoming.reply.send(
    200,
    { "content-type": "application/json" },
    JSON.stringify({ method, path, query, headers, host, scheme, ip, body }),
  );
}

export interface RawAnswer {
  /** 0 when the connection ended without one. */
  readonly status: number;
  readonly text: string;
}

/** Sends literal bytes and collects what comes back until the peer closes, or `quietMs` after the first answer. */
export function sendRaw(
  port: number,
  bytes: string | Buffer | readonly (string | Buffer)[],
  quietMs = 60,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    let quiet: NodeJS.Timeout | undefined;
    const finish = () => {
      clearTimeout(quiet);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.on("connect", () => {
      for (const part of typeof bytes === "string" || Buffer.isBuffer(bytes) ? [bytes] : bytes) {
        socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
      }
    });
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      clearTimeout(quiet);
      quiet = setTimeout(finish, quietMs);
    });
    socket.on("close", finish).on("error", finish);
  });
}
