import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest } from "../core/exchange.ts";
import { A2aError } from "./a2a-error.ts";
import { findMethod, isVersion, normaliseVersion, versions, type MethodSpec, type Version } from "./operations.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One JSON-RPC request, read once: what policy, ownership and the relay all look at. */
export interface RpcRequest {
  readonly id: string | number;
  readonly version: Version;
  readonly spec: MethodSpec;
  readonly params: Fields;
  /** `params.message` of a send; empty otherwise. */
  readonly message: Fields;
  /** The task the request is about, as sent; empty when it names none. */
  readonly taskId: string;
  readonly contextId: string;
  readonly referenceTaskIds: readonly string[];
}

/*
 * The fields that decide whose data is touched. Protobuf JSON knows each by two names, `taskId` and `task_id`, and Go reads any case.
 * Both names are read; any other spelling, and both names at once, would be one thing to the gateway and another to the agent.
 */
const envelopeFields = fieldNames("jsonrpc", "id", "method", "params");
const paramFields = fieldNames(
  "id",
  "taskId",
  "contextId",
  "message",
  "configuration",
  "tenant",
  "pageSize",
  "pageToken",
);
const messageFields = fieldNames("taskId", "contextId", "referenceTaskIds");
const configurationFields = fieldNames("taskPushNotificationConfig", "pushNotificationConfig");

function fieldNames(...names: string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

/** Reads the version, envelope and identifiers of one request. Throws what the caller is told when they do not hold together. */
export function parseRpcRequest(value: unknown, request: CanonicalRequest): RpcRequest {
  if (Array.isArray(value))
    throw new GatewayError("invalid_request", "A2A has no JSON-RPC batches: send one request object per HTTP request.");
  if (!isObject(value)) throw new GatewayError("invalid_request", "The body must be a JSON-RPC 2.0 request object.");
  checkSpelling(value, envelopeFields, "");
  if (value.jsonrpc !== "2.0") throw new GatewayError("invalid_request", 'The request must say "jsonrpc": "2.0".');
  const id = value.id;
  if (typeof id !== "string" && typeof id !== "number")
    throw new GatewayError(
      "invalid_request",
      "The request needs an id, a string or a number: A2A has no notifications.",
    );
  if (typeof value.method !== "string")
    throw new GatewayError("invalid_request", "The request needs a method, a string.");
  const version = requestedVersion(request);
  const spec = findMethod(version, value.method) ?? unknownMethod(version, value.method);
  const params = value.params ?? {};
  if (!isObject(params)) throw invalid("params", "must be an object");
  checkSpelling(params, paramFields, "");
  // The gateway's cards name no tenant, and a client echoes the one of the card (A2A 1.0.1, section 4.4.6).
  if (params.tenant !== undefined && params.tenant !== null && params.tenant !== "")
    throw invalid("tenant", "is not what this agent's card says: leave it out");
  return { id, version, spec, params, ...subject(spec, params) };
}

function requestedVersion(request: CanonicalRequest): Version {
  const header = request.headers["a2a-version"];
  const query = request.query === "" ? null : new URLSearchParams(request.query).get("A2A-Version");
  const sent = normaliseVersion(header ?? query ?? "");
  if (header !== undefined && query !== null && normaliseVersion(query) !== sent) {
    throw new GatewayError(
      "invalid_request",
      "The A2A-Version header and the A2A-Version query parameter disagree: send one of them.",
    );
  }
  if (!isVersion(sent)) throw versionNotSupported(sent, versions);
  return sent;
}

/** `supported` are the versions that would work. */
export function versionNotSupported(sent: string, supported: readonly string[]): A2aError {
  const shown = sent.slice(0, 32);
  const hint = supported
    .map((version) => (version === "0.3" ? "no A2A-Version header (0.3)" : `A2A-Version: ${version}`))
    .join(" or ");
  return new A2aError("VERSION_NOT_SUPPORTED", `A2A ${shown} is not supported here. Use ${hint}.`, {
    data: { requestedVersion: shown, supportedVersions: supported.join(", ") },
  });
}

function unknownMethod(version: Version, method: string): never {
  const other: Version = version === "1.0" ? "0.3" : "1.0";
  const spec = findMethod(other, method);
  if (spec === undefined)
    throw new A2aError("METHOD_NOT_FOUND", "Method not found", { data: { method: method.slice(0, 128) } });
  const equal = version === "1.0" ? spec.method : spec.legacy;
  const advice =
    version === "1.0"
      ? `With A2A-Version: 1.0 send ${equal}; for ${method} leave the header out.`
      : `It belongs to A2A 1.0: send the header A2A-Version: 1.0.${equal === undefined ? "" : ` In 0.3 it is called ${equal}.`}`;
  throw new A2aError("METHOD_NOT_FOUND", `Method not found: A2A ${version} has no ${method}. ${advice}`, {
    data: { method },
  });
}

function subject(
  spec: MethodSpec,
  params: Fields,
): Pick<RpcRequest, "message" | "taskId" | "contextId" | "referenceTaskIds"> {
  const none = { message: {}, taskId: "", contextId: "", referenceTaskIds: [] };
  if (spec.subject === "task") {
    const taskId = identifier(params.id, "id");
    if (taskId === "") throw invalid("id", "is needed: the id of a task");
    return { ...none, taskId };
  }
  if (spec.subject === "list") return { ...none, contextId: identifier(fieldOf(params, "contextId"), "contextId") };
  if (spec.subject !== "message") return none;
  const message = params.message;
  if (!isObject(message)) throw invalid("message", "is needed: an object");
  checkSpelling(message, messageFields, "message.");
  if (isObject(params.configuration)) checkSpelling(params.configuration, configurationFields, "configuration.");
  const references = fieldOf(message, "referenceTaskIds") ?? [];
  if (!Array.isArray(references) || references.length > 100)
    throw invalid("message.referenceTaskIds", "must be an array of at most 100 task ids");
  return {
    message,
    taskId: identifier(fieldOf(message, "taskId"), "message.taskId"),
    contextId: identifier(fieldOf(message, "contextId"), "message.contextId"),
    referenceTaskIds: references.map((reference: unknown, index) =>
      identifier(reference, `message.referenceTaskIds[${index}]`),
    ),
  };
}

/** Whether a send asks for push notifications in passing. */
export function asksForPush(request: RpcRequest): boolean {
  const configuration = request.params.configuration;
  if (request.spec.subject !== "message" || !isObject(configuration)) return false;
  return (
    (fieldOf(configuration, "taskPushNotificationConfig") ??
      fieldOf(configuration, "pushNotificationConfig") ??
      null) !== null
  );
}

function identifier(value: unknown, field: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string" || value.length > 512)
    throw invalid(field, "must be a string of at most 512 characters");
  return value;
}

function checkSpelling(object: Fields, names: ReadonlyMap<string, string>, where: string): void {
  for (const key of Object.keys(object)) {
    const name = names.get(key.replaceAll("_", "").toLowerCase());
    if (name === undefined || name === key) continue;
    if (key !== snakeCase(name))
      throw invalid(where + name, `must be spelled so, not ${JSON.stringify(key.slice(0, 64))}`);
    if (Object.hasOwn(object, name)) throw invalid(where + name, `is given twice, also as ${key}`);
  }
}

/** The value of a field under either of its names. */
export function fieldOf(object: Fields, name: string): unknown {
  return object[name] ?? object[snakeCase(name)];
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function invalid(field: string, what: string): A2aError {
  return new A2aError("INVALID_PARAMS", `Invalid parameters: ${field} ${what}.`, { param: field });
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
