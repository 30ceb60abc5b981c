import type { ConfigPath } from "../../core/config-problem.ts";
import { HEADER_TEXT } from "../../core/header-words.ts";
import { tlsFault, tlsFaultAt } from "../backends/tls-policies.ts";
import { invalidStatus } from "../condition.ts";
import { secret, service } from "../kinds/core.ts";
import type { Remark } from "../kinds/define-kind.ts";
import type { CredentialsSpec, ServiceRefSpec } from "../kinds/own-words.ts";
import { isPlatform } from "../options.ts";
import { reachFault } from "../reach-fault.ts";
import type { ResourceContext } from "./define-resource.ts";

interface Reached {
  readonly url?: string | undefined;
  /** Of an agent: where its card is. */
  readonly card?: string | undefined;
  readonly service?: ServiceRefSpec | undefined;
  readonly credentials?: CredentialsSpec | undefined;
}

type Context = ResourceContext<Reached>;

/** What is missing of an object: a reason of the condition ResolvedRefs, and where it stands. */
export interface Unresolved extends Remark {
  readonly reason: "BackendNotFound" | "SecretNotFound" | "InvalidSecret";
}

interface Place {
  readonly url: string;
  readonly reach?: "network";
  readonly unresolved: readonly Unresolved[];
}

/**
 * Where a server or an agent is; undefined: where its namespace may not send the gateway, which is said. A Service that is not there is
 * asked for all the same: it may come later.
 */
export function addressOf(context: Context): Place | undefined {
  const { object, objects, options } = context;
  const { namespace, spec } = object;
  const { url: written, card, service: named } = spec;
  const given = named && options.backends.get(`${named.name}.${namespace}`)?.[0];
  const place = given === undefined ? placeOf(context) : { url: new URL(named!.path, given).href, unresolved: [] };
  const { group, kind } = object.kind;
  const refused = (key: string, message: string | undefined): boolean => {
    if (message === undefined) return false;
    context.refuse({ path: ["spec", key], message });
    context.status(invalidStatus(object.metadata.generation, message));
    return true;
  };
  const faultOf = (address: string) =>
    reachFault(address, { group, kind, namespace }, { objects, options })?.message ??
    tlsFaultAt({ objects, options }, address);
  if (written !== undefined && refused("url", faultOf(written))) return undefined;
  if (card !== undefined && URL.canParse(card, place.url)) {
    const { href, origin } = new URL(card, place.url);
    if (origin !== new URL(place.url).origin && refused("card", faultOf(href))) return undefined;
  }
  /* It may point anywhere (CVE-2021-25740). */
  const isAlias = named !== undefined && objects.get(service, namespace, named.name)?.spec.type === "ExternalName";
  if (
    isAlias &&
    given === undefined &&
    refused("service", `Service ${named.name} is of type ExternalName: it is not followed`)
  )
    return undefined;
  const backend = { group: service.group, kind: service.kind, namespace, name: named?.name ?? "", port: named?.port };
  if (named !== undefined && refused("service", tlsFault({ objects, options }, backend))) return undefined;
  /* What `--backend` says is the operator's word. */
  return given !== undefined || isPlatform(options, namespace) ? place : { ...place, reach: "network" };
}

function placeOf({ object, objects, options }: Context): Place {
  const { namespace, spec } = object;
  if (spec.service === undefined) return { url: spec.url ?? "", unresolved: [] };
  const { name, port, path } = spec.service;
  const url = `http://${name}.${namespace}.svc:${port}${path}`;
  const found = objects.get(service, namespace, name);
  if (found?.spec.ports.some((each) => each.port === port) === true) return { url, unresolved: [] };
  const advice =
    options.source === "folder" ? `: say where it is with --backend ${name}.${namespace}=http://HOST:PORT` : "";
  const message =
    found === undefined ? `there is no Service ${name} here${advice}` : `Service ${name} has no port ${port}`;
  return { url, unresolved: [{ path: ["spec", "service"], message, reason: "BackendNotFound" }] };
}

interface Credentials {
  /** In the words of the configuration; undefined: none are asked for, or not all are there. */
  readonly credentials: { readonly bearer?: string; readonly headers?: Readonly<Record<string, string>> } | undefined;
  readonly unresolved: readonly Unresolved[];
}

/** What is shown to a server or an agent, out of Secrets. */
export function credentialsOf({ object, objects }: Context): Credentials {
  const { namespace, spec } = object;
  const { credentials } = spec;
  if (credentials === undefined) return { credentials: undefined, unresolved: [] };
  const unresolved: Unresolved[] = [];
  const read = ({ name, key }: { readonly name: string; readonly key: string }, path: ConfigPath): string => {
    const found = objects.get(secret, namespace, name)?.spec;
    /* Who writes a file or a block of YAML ends it with a line break. */
    const text = (found?.stringData[key] ?? decode(found?.data[key]))?.replace(/\r?\n$/, "");
    const missing = text === undefined || text === "";
    if (!missing && HEADER_TEXT.test(text)) return text;
    const unread = objects.unread(secret, namespace, name);
    const message =
      found === undefined
        ? unread === undefined
          ? `there is no Secret ${name} here`
          : `Secret ${name} is not read (${unread})`
        : `Secret ${name} has ${missing ? "no entry" : "more than one line of visible characters in"} ${key}`;
    unresolved.push({
      path: [...path, "secretRef"],
      message: `${message}: without its credentials this is not served`,
      reason: missing ? "SecretNotFound" : "InvalidSecret",
    });
    return "";
  };
  const { bearer, headers } = credentials;
  const at = ["spec", "credentials"];
  const made = {
    ...(bearer !== undefined && { bearer: read(bearer.secretRef, [...at, "bearer"]) }),
    ...(headers !== undefined && {
      headers: Object.fromEntries(
        headers.map(({ name, secretRef }, index) => [name, read(secretRef, [...at, "headers", index])] as const),
      ),
    }),
  };
  return { credentials: unresolved.length > 0 ? undefined : made, unresolved };
}

const decode = (base64: string | undefined): string | undefined =>
  base64 === undefined ? undefined : Buffer.from(base64, "base64").toString();

/** Says what is missing. What is there and can never be sent is no matter of what comes later. */
export function report({ warn, refuse }: Context, unresolved: readonly Unresolved[]): void {
  for (const { path, message, reason } of unresolved) (reason === "InvalidSecret" ? refuse : warn)({ path, message });
}
