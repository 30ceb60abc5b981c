import type { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";

/** Tells the log when something stops working and when it works again; what happens in between is for who debugs it. */
export interface OutageLog {
  failed(error: GatewayError): void;
  worked(): void;
}

/** One line at warn and one at info for each outage, however often it is met: a dead server must not fill the log. `fields` are in every line. */
export function createOutageLog(
  log: Log,
  fields: Readonly<Record<string, unknown>>,
  says: { readonly down: string; readonly up: string },
): OutageLog {
  let down = false;
  return {
    failed(error) {
      if (!down) log.warn({ ...fields, reason: reasonOf(error) }, says.down);
      log.debug({ ...fields, error }, says.down);
      down = true;
    },
    worked() {
      if (down) log.info(fields, says.up);
      down = false;
    },
  };
}

function reasonOf({ message, cause }: GatewayError): string {
  return cause instanceof Error && cause.message !== "" ? `${message} (${cause.message})` : message;
}
