/* The parts of the Gateway API (standard channel) that are written. https://gateway-api.sigs.k8s.io/reference/spec/ */

export interface PathMatch {
  readonly type: "Exact" | "PathPrefix" | "RegularExpression";
  readonly value: string;
}

export interface HeaderMatch {
  readonly type?: "RegularExpression";
  readonly name: string;
  readonly value: string;
}

export interface RouteMatch {
  readonly path: PathMatch;
  readonly headers?: readonly HeaderMatch[];
}

export interface BackendRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  /** A text only in what is not valid yet: the name of a port whose number is not known. */
  readonly port?: number | string;
  readonly weight?: number;
}

export type PathModifier =
  | { readonly type: "ReplaceFullPath"; readonly replaceFullPath: string }
  | { readonly type: "ReplacePrefixMatch"; readonly replacePrefixMatch: string };

export interface Redirect {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathModifier;
  readonly statusCode: number;
}

export interface HeaderEdit {
  readonly set: readonly { readonly name: string; readonly value: string }[];
}

export interface Cors {
  readonly allowOrigins: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge: number;
}

export type RouteFilter =
  | { readonly type: "RequestHeaderModifier"; readonly requestHeaderModifier: HeaderEdit }
  | { readonly type: "ResponseHeaderModifier"; readonly responseHeaderModifier: HeaderEdit }
  | { readonly type: "RequestMirror"; readonly requestMirror: { readonly backendRef: BackendRef } }
  | { readonly type: "RequestRedirect"; readonly requestRedirect: Redirect }
  | { readonly type: "URLRewrite"; readonly urlRewrite: { readonly hostname?: string; readonly path?: PathModifier } }
  | { readonly type: "CORS"; readonly cors: Cors };

export interface RouteRule {
  readonly matches: readonly RouteMatch[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendRef[];
  readonly timeouts?: { readonly backendRequest: string };
}

export const GATEWAY_GROUP = "gateway.networking.k8s.io";

/* Limits of the HTTPRoute and Gateway CRDs. */
export const MAX_HOSTNAMES = 16;
export const MAX_RULES = 16;
export const MAX_LISTENERS = 64;
export const MAX_PATH = 1024;
export const MAX_HEADER_EDITS = 16;

/** An object to print. */
export interface OutputObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
}

/** True of what a Gateway may have as a route's host: lower case, no address, no port; a wildcard only as the first label. */
export const isHostname = (host: string) =>
  host.length <= 253 &&
  /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/.test(host) &&
  !/^[\d.]+$/.test(host);

/** True of what an Exact or PathPrefix match may have as its value. */
export const isPathValue = (path: string) =>
  path.length <= MAX_PATH &&
  /^\/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/.test(path) &&
  !/\/\/|\/\.\.?(?:\/|$)|%2f/i.test(path);

/** A part of an object's name, made of anything. */
export function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll("*", "wildcard")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return slug === "" ? "any" : slug;
}
