import type { ConfigPath } from "../core/config-problem.ts";

export interface ManifestMetadata {
  readonly name: string;
  /** Undefined where the manifest names none. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generation?: number;
  /** RFC 3339, as an API server writes it. */
  readonly creationTimestamp?: string;
}

/** Where a manifest was read. Lines and columns count from 1. */
export interface ManifestSource {
  /** The file as a person would type it from here. */
  readonly file: string;
  readonly line: number;
  /** The place of the value at `path` of the manifest, or of the nearest thing around it that exists. */
  locate(path: ConfigPath): { readonly line: number; readonly column: number };
}

/** One Kubernetes object as it was written: only `metadata` has been looked at. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ManifestMetadata;
  /** `spec` as it stands there, undefined where there is none. */
  readonly spec: unknown;
  /** The whole object. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly source: ManifestSource;
}

export type JsonMap = Readonly<Record<string, unknown>>;

/** True of what JSON calls an object. */
export function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The API group of an object: empty for the core group. */
export function groupOf({ apiVersion }: { readonly apiVersion: string }): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
