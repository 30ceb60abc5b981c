import { budget } from "../../src/k8s/kinds/budget.ts";
import { isMap } from "../../src/k8s/manifest.ts";
import { faultsOf } from "./objects-from.ts";

/*
 * What the CRDs of the Gateway API (standard channel, v1.6) refuse, as far as it concerns what is written here: limits, patterns and
 * the CEL rules of HTTPRoute, Gateway, ReferenceGrant and BackendTLSPolicy.
 */

const HOSTNAME = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const PRECISE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const HEADER = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const PATH = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/;
const DURATION = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const ORIGIN = /(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)/;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"];
const FILTERS: Readonly<Record<string, string>> = {
  CORS: "cors",
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
};

type Fields = Readonly<Record<string, unknown>>;
type Check = (holds: boolean, message: string) => void;

const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isMap) : []);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const fits = (value: unknown, pattern: RegExp, most: number) =>
  value === undefined || (typeof value === "string" && value.length <= most && pattern.test(value));
const known = (object: Fields, keys: readonly string[], check: Check) => {
  for (const key of Object.keys(object)) check(keys.includes(key), `${key} is no field of the standard channel`);
};

/** Everything that an API server would refuse. */
export function brokenRules(object: unknown): readonly string[] {
  const broken: string[] = [];
  const check: Check = (holds, message) => {
    if (!holds) broken.push(message);
  };
  if (!isMap(object) || !isMap(object["metadata"]) || !isMap(object["spec"]))
    return ["an object with metadata and spec"];
  const { kind, metadata, spec } = object;
  check(fits(metadata["name"], PRECISE, 253) && metadata["name"] !== undefined, "name");
  check(fits(metadata["namespace"], PRECISE, 63), "namespace");
  if (kind === "HTTPRoute") checkRoute(spec, check);
  else if (kind === "Gateway") checkGateway(spec, check);
  else if (kind === "ReferenceGrant") checkGrant(spec, check);
  else if (kind === "BackendTLSPolicy") checkTlsPolicy(spec, check);
  else if (kind === "Budget") broken.push(...faultsOf(budget, spec));
  else broken.push(`an unknown kind: ${String(kind)}`);
  return broken;
}

function checkRoute(spec: Fields, check: Check): void {
  known(spec, ["parentRefs", "hostnames", "rules"], check);
  const parents = list(spec["parentRefs"]);
  check(parents.length > 0 && parents.length <= 32, "parentRefs <= 32");
  const sections = Map.groupBy(parents, ({ name, namespace }) => JSON.stringify([name, namespace]));
  for (const same of sections.values()) {
    const named = same.map(({ sectionName }) => sectionName);
    check(
      same.length === 1 || !named.includes(undefined),
      "sectionName must be specified when parentRefs includes 2 or more references to the same parent",
    );
    check(
      new Set(named).size === named.length,
      "sectionName must be unique when parentRefs includes 2 or more references to the same parent",
    );
    for (const name of named) check(fits(name, PRECISE, 253), "sectionName");
  }
  const hostnames = texts(spec["hostnames"]);
  check(hostnames.length <= 16, "hostnames <= 16");
  for (const host of hostnames) check(fits(host, HOSTNAME, 253), `hostname ${host}`);
  const rules = list(spec["rules"]);
  check(rules.length >= 1 && rules.length <= 16, "rules 1..16");
  const total = rules.reduce((sum, rule) => sum + list(rule["matches"]).length, 0);
  check(total <= 128, "128 matches in all");
  for (const rule of rules) checkRule(rule, check);
}

function checkRule(rule: Fields, check: Check): void {
  known(rule, ["name", "matches", "filters", "backendRefs", "timeouts"], check);
  const matches = list(rule["matches"]);
  const filters = list(rule["filters"]);
  const refs = list(rule["backendRefs"]);
  check(matches.length <= 64 && filters.length <= 16 && refs.length <= 16, "64 matches, 16 filters, 16 backendRefs");
  const types = filters.map(({ type }) => String(type));
  check(
    !(types.includes("RequestRedirect") && refs.length > 0),
    "RequestRedirect filter must not be used together with backendRefs",
  );
  check(
    !(types.includes("RequestRedirect") && types.includes("URLRewrite")),
    "either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both",
  );
  for (const type of Object.keys(FILTERS).filter((name) => name !== "RequestMirror"))
    check(types.filter((one) => one === type).length <= 1, `${type} filter cannot be repeated`);
  for (const { path, headers } of matches) {
    if (isMap(path)) checkPath(path, check);
    const named = list(headers);
    check(named.length <= 16, "16 headers");
    for (const { type = "Exact", name, value } of named)
      check(
        (type === "Exact" || type === "RegularExpression") && fits(name, HEADER, 256) && fits(value, /^[^]+$/, 4096),
        `header match ${String(name)}`,
      );
  }
  const onePrefix = matches.length === 1 && isMap(matches[0]?.["path"]) && matches[0]["path"]["type"] === "PathPrefix";
  for (const filter of filters) checkFilter(filter, onePrefix, check);
  for (const ref of refs) checkRef(ref, check);
  const timeouts = isMap(rule["timeouts"]) ? rule["timeouts"] : {};
  known(timeouts, ["request", "backendRequest"], check);
  for (const value of Object.values(timeouts)) check(fits(value, DURATION, 64), `duration ${String(value)}`);
}

function checkPath({ type, value }: Fields, check: Check): void {
  check(["Exact", "PathPrefix", "RegularExpression"].includes(String(type)), `path type ${String(type)}`);
  check(typeof value === "string" && value.length <= 1024, "path <= 1024");
  if (type === "RegularExpression" || typeof value !== "string") return;
  check(value.startsWith("/") && PATH.test(value), `path ${value}`);
  check(
    !["//", "/./", "/../", "%2f", "%2F", "#"].some((part) => value.includes(part)),
    `path ${value} has a part that none may have`,
  );
  check(!value.endsWith("/..") && !value.endsWith("/."), `path ${value} ends in a dot`);
}

function checkFilter(filter: Fields, onePrefix: boolean, check: Check): void {
  const type = String(filter["type"]);
  const field = FILTERS[type];
  check(field !== undefined, `filter ${type}`);
  known(filter, ["type", field ?? ""], check);
  const body = filter[field ?? ""];
  check(isMap(body), `filter.${field} must be specified for ${type} filter.type`);
  if (!isMap(body)) return;
  if (isMap(body["path"])) checkModifier(body["path"], onePrefix, check);
  if (type === "URLRewrite" || type === "RequestRedirect")
    check(fits(body["hostname"], PRECISE, 253), "precise hostname");
  if (type === "RequestRedirect") {
    check([301, 302, 303, 307, 308].includes(Number(body["statusCode"] ?? 302)), "statusCode");
    check([undefined, "http", "https"].includes(body["scheme"] as string), "scheme");
  }
  if (type === "RequestMirror") checkRef(body["backendRef"] as Fields, check);
  if (type === "CORS") checkCors(body, check);
  for (const { name, value } of list(body["set"]))
    check(fits(name, HEADER, 256) && fits(value, /^[^]+$/, 4096), "header edit");
  check(list(body["set"]).length <= 16, "16 header edits");
}

function checkModifier({ type, replaceFullPath, replacePrefixMatch }: Fields, onePrefix: boolean, check: Check): void {
  check((type === "ReplaceFullPath") === (replaceFullPath !== undefined), "replaceFullPath with its type");
  check((type === "ReplacePrefixMatch") === (replacePrefixMatch !== undefined), "replacePrefixMatch with its type");
  check(
    type !== "ReplacePrefixMatch" || onePrefix,
    "When using path.replacePrefixMatch, exactly one PathPrefix match must be specified",
  );
  check(String(replaceFullPath ?? replacePrefixMatch).length <= 1024, "replacement <= 1024");
}

function checkCors(cors: Fields, check: Check): void {
  const [origins, methods, allowed, exposed] = ["allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders"].map(
    (key) => texts(cors[key]),
  );
  check(origins!.length <= 64 && origins!.every((origin) => fits(origin, ORIGIN, 253)), "allowOrigins");
  check(methods!.length <= 9 && methods!.every((method) => METHODS.includes(method)), "allowMethods");
  for (const names of [allowed!, exposed!])
    check(names.length <= 64 && names.every((name) => fits(name, HEADER, 256)), "CORS headers");
  for (const values of [origins!, methods!, allowed!])
    check(!values.includes("*") || values.length === 1, "cannot contain '*' alongside others");
  check(Number.isInteger(cors["maxAge"]) && Number(cors["maxAge"]) >= 1, "maxAge");
}

function checkRef(ref: Fields, check: Check): void {
  const { group = "", kind = "Service", name, namespace, port, weight = 1 } = ref;
  check(fits(name, /^[^]+$/, 253) && name !== undefined && fits(namespace, PRECISE, 63), "backendRef");
  check(!(group === "" && kind === "Service") || port !== undefined, "Must have port for Service reference");
  check(
    port === undefined || (Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535),
    `port ${String(port)}`,
  );
  check(Number.isInteger(weight) && Number(weight) >= 0 && Number(weight) <= 1_000_000, "weight");
}

function checkGateway(spec: Fields, check: Check): void {
  known(spec, ["gatewayClassName", "listeners"], check);
  const listeners = list(spec["listeners"]);
  check(listeners.length >= 1 && listeners.length <= 64, "listeners 1..64");
  const unique = (parts: readonly string[]) => new Set(parts).size === parts.length;
  check(unique(listeners.map(({ name }) => String(name))), "Listener name must be unique within the Gateway");
  check(
    unique(listeners.map(({ port, protocol, hostname }) => JSON.stringify([port, protocol, hostname ?? null]))),
    "Combination of port, protocol and hostname must be unique for each listener",
  );
  for (const { name, hostname, protocol, tls } of listeners) {
    check(fits(name, PRECISE, 253) && fits(hostname, HOSTNAME, 253), "listener");
    check(protocol !== "HTTP" || tls === undefined, "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']");
    const references = isMap(tls) ? list(tls["certificateRefs"]) : [];
    check(
      protocol !== "HTTPS" || references.length > 0,
      "certificateRefs or options must be specified when mode is Terminate",
    );
  }
}

function checkGrant(spec: Fields, check: Check): void {
  const [from, to] = [list(spec["from"]), list(spec["to"])];
  check(from.length >= 1 && from.length <= 16 && to.length >= 1 && to.length <= 16, "from and to 1..16");
  for (const entry of from)
    check(
      ["group", "kind", "namespace"].every((key) => typeof entry[key] === "string"),
      "from",
    );
  for (const entry of to)
    check(
      ["group", "kind"].every((key) => typeof entry[key] === "string"),
      "to",
    );
}

function checkTlsPolicy(spec: Fields, check: Check): void {
  const targets = list(spec["targetRefs"]);
  const validation = isMap(spec["validation"]) ? spec["validation"] : {};
  check(targets.length >= 1 && targets.length <= 16, "targetRefs 1..16");
  const [references, system] = [list(validation["caCertificateRefs"]), validation["wellKnownCACertificates"]];
  check(
    references.length > 0 !== (system !== undefined),
    "must specify either CACertificateRefs or WellKnownCACertificates",
  );
  check(fits(validation["hostname"], PRECISE, 253) && validation["hostname"] !== undefined, "hostname");
}
