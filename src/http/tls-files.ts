import { readFile } from "node:fs/promises";
import { unwatchFile, watchFile } from "node:fs";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Log } from "../core/log.ts";

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/* Stat calls follow the symbolic links that Kubernetes swaps under a mounted secret; file events do not. */
const POLL_MS = 2_000;

const readPair = async (files: TlsFiles) => {
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
  const options = { cert, key, minVersion: "TLSv1.2" } as const;
  // Throws when the two do not belong together, before the server takes them.
  createSecureContext(options);
  return options;
};

/**
 * Gives a server its certificate and a new one whenever the files change. The first load rejects on failure; later ones keep the
 * last good certificate and log why. Resolves with the function that stops watching.
 */
export async function serveTlsFiles(
  server: Server,
  files: TlsFiles,
  log: Log,
  pollMs: number = POLL_MS,
): Promise<() => void> {
  server.setSecureContext(await readPair(files));
  let latest = 0;
  const reload = () => {
    const turn = ++latest;
    readPair(files).then(
      (options) => {
        if (turn !== latest) return;
        server.setSecureContext(options);
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
