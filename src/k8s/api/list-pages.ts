import { isMap } from "../manifest.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import { type ApiObject, type Followed, pathOf, readApiObject } from "./api-object.ts";

const PAGE = 500;
/** A list that takes so long that its pages expire is begun again; when that happens twice it is asked for in one piece. */
const ATTEMPTS_IN_PAGES = 2;
const PAGES_LIMIT = 2_000;

export interface Listed {
  readonly items: readonly ApiObject[];
  /** Where a watch goes on from here. */
  readonly resourceVersion: string;
}

/** Every object of a kind, as they were at one moment, in the newest version that the server has of it. */
export async function listNewest(
  client: ApiClient,
  followed: Followed,
  signal: AbortSignal,
): Promise<Listed & { readonly version: string }> {
  const { versions } = followed;
  for (const version of versions) {
    try {
      return { ...(await listPages(client, followed, version, signal)), version };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || version === versions.at(-1)) throw error;
    }
  }
  throw new ApiError(404);
}

async function listPages(client: ApiClient, followed: Followed, version: string, signal: AbortSignal): Promise<Listed> {
  for (let attempt = 1; ; attempt++) {
    const inPages = attempt <= ATTEMPTS_IN_PAGES;
    try {
      return await readPages(client, followed, version, inPages, signal);
    } catch (error) {
      if (!inPages || !(error instanceof ApiError) || !error.isExpired) throw error;
    }
  }
}

async function readPages(
  client: ApiClient,
  followed: Followed,
  version: string,
  inPages: boolean,
  signal: AbortSignal,
): Promise<Listed> {
  const items: ApiObject[] = [];
  let next = "";
  for (let page = 0; page < PAGES_LIMIT; page++) {
    const query = new URLSearchParams(selectorOf(followed));
    if (inPages) query.set("limit", String(PAGE));
    if (next !== "") query.set("continue", next);
    const list = await client.get(`${pathOf(followed, version)}?${query}`, signal);
    if (!isMap(list) || !Array.isArray(list["items"]) || !isMap(list["metadata"]))
      throw new ApiError(200, { reason: "Malformed", message: `it gave no list of ${followed.plural}` });
    for (const item of list["items"] as unknown[]) items.push(readApiObject(item, followed, version));
    const { resourceVersion, continue: more } = list["metadata"];
    if (typeof resourceVersion !== "string")
      throw new ApiError(200, {
        reason: "Malformed",
        message: `it gave a list of ${followed.plural} without a version`,
      });
    if (typeof more !== "string" || more === "") return { items, resourceVersion };
    next = more;
  }
  throw new ApiError(200, { reason: "Malformed", message: `its list of ${followed.plural} does not end` });
}

export const selectorOf = ({ name }: Followed): Record<string, string> =>
  name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };
