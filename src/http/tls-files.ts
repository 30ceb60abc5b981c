import { readFile } from "node:fs/promises";
import { unwatchFile, watchFile } from "node:fs";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Log } from "../core/log.ts";

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate and its key, as `node:tls` takes them. */
export interface TlsPair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly minVersion: "TLSv1.2";
}

/* Stat calls follow the symbolic links that Kubernetes swaps under a mounted secret; file events do not. */
const POLL_MS = 2_000;

async function readPair(files: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
  const pair = { cert, key, minVersion: "TLSv1.2" } as const;
  // Throws when the two do not belong together, before anyone takes them.
  createSecureContext(pair);
  return pair;
}

/** Gives a server its certificate, and a new one whenever the files change. Rejects when the files do not load at first. */
export async function serveTlsFiles(
  server: Server,
  files: TlsFiles,
  log: Log,
  pollMs: number = POLL_MS,
): Promise<() => void> {
  server.setSecureContext(await readPair(files));
  return watchTlsFiles(files, (pair) => server.setSecureContext(pair), log, pollMs);
}

/** Hands on the pair in these files, now and whenever they change; what does not load is left out, and the log says why. */
export async function followTlsFiles(files: TlsFiles, take: (pair: TlsPair) => void, log: Log): Promise<() => void> {
  await readPair(files).then(take, (error: unknown) =>
    log.warn({ cert: files.cert, error: String(error) }, "the TLS files do not load"),
  );
  return watchTlsFiles(files, take, log, POLL_MS);
}

/** Hands on the pair whenever the files change; what does not load keeps the last good one, and the log says why. Gives the function that stops it. */
function watchTlsFiles(files: TlsFiles, take: (pair: TlsPair) => void, log: Log, pollMs: number): () => void {
  let latest = 0;
  const reload = () => {
    const turn = ++latest;
    readPair(files).then(
      (pair) => {
        if (turn !== latest) return;
        take(pair);
        log.info({ cert: files.cert }, "took up the new TLS certificate");
      },
      (error: unknown) =>
        log.warn(
          { cert: files.cert, error: String(error) },
          "the changed TLS files do not load; the last good certificate stays",
        ),
    );
  };
  for (const file of [files.cert, files.key]) watchFile(file, { persistent: false, interval: pollMs }, reload);
  return () => {
    latest = Number.POSITIVE_INFINITY;
    for (const file of [files.cert, files.key]) unwatchFile(file, reload);
  };
}
