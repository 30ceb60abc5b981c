import type { UpstreamTls } from "../../http/undici-upstream.ts";

/** What a request to an API server carries, and how its connection is made. */
export interface ApiCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: UpstreamTls;
}

/** The way to one API server, as whom. */
export interface ApiAccess {
  /** Where it was found, for the log. */
  readonly from: string;
  /** Without a slash at its end; may have a path. */
  readonly server: string;
  /** Of the pod, or of the context; undefined where none is named. */
  readonly namespace: string | undefined;
  /** Of the pod alone: a context names a namespace for its user's convenience. */
  readonly podNamespace?: string | undefined;
  /** As they are now; remembered for some seconds. Rejects with what cannot be read or run. */
  credentials(): Promise<ApiCredentials>;
  /** The server did not take these: the next ones are read anew. */
  renew(refused: ApiCredentials): void;
}

/** Remembers what `read` gives for `keepMs`, and reads it once for all who wait. `anew`: what was given before was refused. */
export function rememberCredentials(
  read: (anew: boolean) => Promise<ApiCredentials>,
  now: () => number,
  keepMs = 5_000,
): Pick<ApiAccess, "credentials" | "renew"> {
  let reading: Promise<ApiCredentials> | undefined;
  let known: ApiCredentials | undefined;
  let readAt = 0;
  let anew = false;
  const readNow = async () => {
    try {
      const wasAnew = anew;
      anew = false;
      known = await read(wasAnew);
      readAt = now();
      return known;
    } finally {
      reading = undefined;
    }
  };
  return {
    async credentials() {
      if (known !== undefined && now() - readAt < keepMs) return known;
      return await (reading ??= readNow());
    },
    renew(refused) {
      if (refused !== known) return;
      known = undefined;
      anew = true;
    },
  };
}
