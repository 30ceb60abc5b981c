import type { BodyStream, Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Endpoints } from "./endpoints.ts";
import { toServiceHeaders } from "./headers.ts";
import type { Edits } from "./rule.ts";

/** Copies on their way in one process. A service that takes them slowly must not gather them here. */
const MAX_UNDER_WAY = 256;

export interface MirrorsOptions {
  readonly services: ReadonlyMap<string, Endpoints>;
  readonly upstream: Upstream;
  readonly meter: Meter;
  readonly log: Log;
}

/** What is copied of a request. */
export interface Original {
  readonly exchange: Exchange;
  readonly path: string;
  readonly host: string | undefined;
  readonly edits: Edits;
}

/** Sends copies of requests. Nothing that becomes of them concerns the request. */
export interface Mirrors {
  /** Names of the services that get a copy of this one. */
  choose(edits: Edits): readonly string[];
  send(service: string, original: Original, body: BodyStream | undefined): void;
}

const none: readonly string[] = [];

export function createMirrors({ services, upstream, meter, log }: MirrorsOptions): Mirrors {
  const sent = meter.counter(
    "service_copies_total",
    "Copies of requests to services, by service and what became of them",
    ["service", "outcome"],
  );
  let underWay = 0;

  async function copy(service: Endpoints, { exchange, path, host, edits }: Original, stream: BodyStream | undefined) {
    const [endpoint] = service.inOrder();
    if (endpoint === undefined) return;
    const { credentials, timeouts } = service.config;
    const headers = toServiceHeaders(exchange, edits, credentials?.headers);
    const response = await upstream.request({
      url: endpoint.url,
      trust: "configured",
      method: exchange.request.method,
      path,
      headers: { ...headers, host: host ?? endpoint.url.host },
      stream,
      verbatim: true,
      headersTimeoutMs: timeouts.answer,
      idleTimeoutMs: timeouts.idle,
    });
    response.discard();
  }

  return {
    choose({ mirrors }) {
      if (mirrors.length === 0) return none;
      const chosen: string[] = [];
      for (const mirror of mirrors) if (mirror.isNext()) chosen.push(mirror.service);
      return chosen;
    },
    send(name, original, body) {
      const service = services.get(name);
      if (service === undefined || underWay >= MAX_UNDER_WAY) {
        void body?.return();
        return sent.add([name, "skipped"]);
      }
      underWay += 1;
      copy(service, original, body)
        .then(
          () => sent.add([name, "sent"]),
          (error: unknown) => {
            sent.add([name, "failed"]);
            log.debug({ service: name, error }, "a copy of a request did not arrive");
          },
        )
        .finally(() => {
          underWay -= 1;
          void body?.return();
        });
    },
  };
}
