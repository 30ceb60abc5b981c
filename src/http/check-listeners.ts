import type { ConfigProblem } from "../core/config-problem.ts";
import { fileFault, pairFault } from "./certificates.ts";
import type { HttpConfig } from "./config.ts";
import { doorOf, MAIN, type ListenerConfig } from "./listeners-config.ts";

type Checked = Pick<HttpConfig, "listen" | "listeners"> & { readonly baseDir: string };

/** Listeners that cannot stand side by side, and certificates that do not load. */
export function checkListeners({ listen, listeners, baseDir }: Checked): ConfigProblem[] {
  const doors = new Map<string, { readonly first: string; readonly hostnames: Map<string, string> }>();
  const problems: ConfigProblem[] = [];
  for (const [name, listener] of Object.entries(listeners)) {
    const say = (message: string, ...path: readonly (string | number)[]) =>
      problems.push({ path: ["listeners", name, ...path], message });
    const id = doorOf(name, listener, listen);
    const door = doors.get(id) ?? { first: name, hostnames: new Map<string, string>() };
    doors.set(id, door);
    const { port, hostname = "" } = listener;
    for (const side of ["console", "health"] as const)
      if (port !== 0 && port === listen[side].port) say(`port ${port} is taken by listen.${side}.port`, "port");
    if (id === MAIN) checkShared(listener, listen, say);
    else checkAlike(listener, listeners[door.first] ?? listener, `listeners.${door.first}`, say);
    const twin = door.hostnames.get(hostname);
    if (twin !== undefined)
      say(`${hostname === "" ? "every host" : hostname} of this port is that of listeners.${twin} already`, "hostname");
    else door.hostnames.set(hostname, name);
    for (const [index, pair] of (listener.tls?.certificates ?? []).entries()) {
      const fault = pairFault(pair, baseDir);
      if (fault !== undefined) say(fault.message, "tls", "certificates", index, fault.part);
    }
  }
  return problems;
}

/** Files whose content cannot be served as it is now. */
export function doubtCertificates({ listeners, baseDir }: Pick<Checked, "listeners" | "baseDir">): ConfigProblem[] {
  return Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((pair, index): ConfigProblem[] => {
      const fault = fileFault(pair, baseDir);
      const path = ["listeners", name, "tls", "certificates", index, fault?.part ?? ""];
      return fault === undefined ? [] : [{ path, message: `${fault.message}; it is left out until it is mended` }];
    }),
  );
}

type Say = (message: string, ...path: readonly string[]) => void;

function checkShared({ tls, address }: ListenerConfig, listen: HttpConfig["listen"], say: Say): void {
  if (tls !== undefined && listen.tls === undefined)
    say("the port of `listen` serves plain http: give this listener a port of its own", "tls");
  if (address !== undefined) say("the port of `listen` is bound as `listen.host` says", "address");
}

function checkAlike(listener: ListenerConfig, first: ListenerConfig, by: string, say: Say): void {
  if ((listener.tls === undefined) !== (first.tls === undefined))
    say(`${by} serves ${first.tls === undefined ? "plain http" : "https"} on this port: choose another port`, "port");
  if (listener.address !== first.address) say(`${by} has another address for this port`, "address");
}
