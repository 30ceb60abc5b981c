import { isMap } from "../manifest.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { type ApiObject, type Followed, readApiObject } from "./api-object.ts";

/** One event of a watch. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  /** Undefined: nothing changed. */
  readonly object: ApiObject | undefined;
  /** Where a watch goes on from here; undefined: it does not say. */
  readonly version: string | undefined;
}

/** Reads an event. Throws what an ERROR says, and an ApiError for what is none. */
export function readWatchEvent(event: unknown, followed: Followed, apiVersion: string): WatchEvent {
  const { type, object: value } = isMap(event) ? event : {};
  if (type === "ERROR") throw toApiError(500, value);
  if (type === "BOOKMARK") {
    const metadata = isMap(value) && isMap(value["metadata"]) ? value["metadata"] : {};
    const { resourceVersion } = metadata;
    return { type, object: undefined, version: typeof resourceVersion === "string" ? resourceVersion : undefined };
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED")
    throw new ApiError(200, { reason: "Malformed", message: "it sent an event of no known type" });
  const object = readApiObject(value, followed, apiVersion);
  return { type, object, version: object.metadata.resourceVersion };
}
