import type { IncomingMessage } from "node:http";
import { ApiFailure } from "./api-failure.ts";
import type { Resource } from "./resources.ts";

/** What one request asks of the server. */
export interface ApiRequest {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
  readonly resource: Resource;
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: "status" | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
}

const noSuchPath = () => new ApiFailure(404, "NotFound", "the server could not find the requested resource");

/** Reads an address as an API server does: /api/v1/… for the core group, /apis/GROUP/VERSION/… for the others. */
export function readRequest(
  { method = "GET", url = "/", headers }: IncomingMessage,
  resources: readonly Resource[],
): ApiRequest {
  const { pathname, searchParams } = new URL(url, "http://server");
  const parts = pathname.split("/").slice(1).map(decodeURIComponent);
  const [group, version, rest] =
    parts[0] === "api"
      ? ["", parts[1], parts.slice(2)]
      : parts[0] === "apis"
        ? [parts[1], parts[2], parts.slice(3)]
        : [];
  if (rest === undefined) throw noSuchPath();
  const inNamespace = rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "status";
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource] = inNamespace ? rest.slice(2) : rest;
  const resource = resources.find(
    (each) => each.group === group && each.plural === plural && each.versions.includes(version ?? ""),
  );
  if (resource === undefined || (inNamespace && !resource.namespaced)) throw noSuchPath();
  if (subresource !== undefined && (subresource !== "status" || !resource.status)) throw noSuchPath();
  const query = Object.fromEntries(searchParams);
  const many = query["watch"] === "true" || query["watch"] === "1" ? "watch" : "list";
  const verbs = {
    GET: name === undefined ? many : "get",
    POST: "create",
    PUT: "update",
    PATCH: "patch",
    DELETE: "delete",
  };
  const verb = verbs[method as keyof typeof verbs] as ApiRequest["verb"] | undefined;
  if (verb === undefined || (name === undefined) !== ["list", "watch", "create"].includes(verb))
    throw new ApiFailure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  return {
    verb,
    resource,
    apiVersion: [group, version].filter((part) => part !== "").join("/"),
    namespace,
    name,
    subresource,
    query,
    contentType: (headers["content-type"] ?? "").split(";")[0]?.trim() ?? "",
  };
}

type Match = (object: {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: unknown };
}) => boolean;

/** Field and label selectors, of which this server knows equality alone; what it does not know it refuses. */
export function readSelectors({ query, resource }: ApiRequest): Match {
  const matches: Match[] = [];
  for (const term of (query["fieldSelector"] ?? "").split(",").filter((part) => part !== "")) {
    const [, field, value] = /^(metadata\.name|metadata\.namespace)==?([^!=]+)$/.exec(term) ?? [];
    if (field === undefined)
      throw new ApiFailure(
        400,
        "BadRequest",
        `Unable to find "${resource.plural}" that match field selector "${term}"`,
      );
    matches.push(({ metadata }) => (field === "metadata.name" ? metadata.name : metadata.namespace) === value);
  }
  for (const term of (query["labelSelector"] ?? "").split(",").filter((part) => part !== "")) {
    const [, label, value] = /^([^!=\s]+)==?([^!=\s]*)$/.exec(term) ?? [];
    if (label === undefined) throw new ApiFailure(400, "BadRequest", `unable to parse requirement: ${term}`);
    matches.push(({ metadata }) => (metadata.labels as Record<string, string> | undefined)?.[label] === value);
  }
  return (object) => matches.every((match) => match(object));
}
