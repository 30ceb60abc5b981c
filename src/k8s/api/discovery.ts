import { isMap } from "../manifest.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import type { Followed } from "./api-object.ts";

/** The kind is there with its objects, in versions alone that are not read: the message names them. */
export class OtherVersion extends Error {
  override readonly name = "OtherVersion";
}

/**
 * Throws where a kind that is not found in the versions that are read is served in others, and where the server does not say whether it
 * is: what stands in its objects may hold.
 */
export async function checkNotServed(client: ApiClient, followed: Followed, signal: AbortSignal): Promise<void> {
  const { group, plural } = followed;
  /* The core group has one version. */
  if (group === "") return;
  const served: string[] = [];
  for (const version of versionsOf(await find(client, `/apis/${group}`, signal))) {
    const list = await find(client, `/apis/${group}/${version}`, signal);
    const resources = isMap(list) && Array.isArray(list["resources"]) ? (list["resources"] as unknown[]) : [];
    if (resources.some((resource) => isMap(resource) && resource["name"] === plural)) served.push(version);
  }
  if (served.length === 0) return;
  throw new OtherVersion(
    `the API server serves ${plural}.${group} in ${served.join(", ")}, and ${followed.versions.join(", ")} is read`,
  );
}

async function find(client: ApiClient, path: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await client.get(path, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    if (error instanceof ApiError && error.status === 403)
      throw new OtherVersion(`whether there are other versions is not said: get on ${path} is not allowed`);
    throw error;
  }
}

function versionsOf(group: unknown): readonly string[] {
  const versions = isMap(group) && Array.isArray(group["versions"]) ? (group["versions"] as unknown[]) : [];
  return versions.flatMap((each) => (isMap(each) && typeof each["version"] === "string" ? [each["version"]] : []));
}
