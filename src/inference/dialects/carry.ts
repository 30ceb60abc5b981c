import { GatewayError } from "../../core/errors.ts";
import { toNumber } from "../parse-exact.ts";
import { isFields, wrong } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** The error for something that another dialect has no form for, and that an answer would be wrong without. `advice` begins with a space. */
export function cannotCarry(param: string, what: string, advice = ""): GatewayError {
  return new GatewayError(
    "invalid_request",
    `${what} cannot be carried over: the provider of this model speaks another dialect, which has no form for it.${advice}`,
    { param },
  );
}

/** The same for a provider's answer. */
export function cannotShow(what: string): GatewayError {
  return new GatewayError(
    "upstream_invalid",
    `The provider answered with ${what}, for which this dialect has no form.`,
  );
}

const LONGEST_SHOWN = 64;

/** A value as an error shows it: the caller's or the provider's own, and no longer than it need be. */
export function quote(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, LONGEST_SHOWN);
}

/** An object at `path` of a request. */
export function fieldsAt(value: unknown, path: string): Fields {
  if (isFields(value)) return value;
  throw wrong(path, "must be an object");
}

/** A string at `path` of a request. */
export function textAt(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw wrong(path, "must be a string");
}

/** A list at `path` of a request; none where it is null or absent. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw wrong(path, "must be an array");
}

/** A list of messages' parts, whether it was written as one text or as a list. */
export function partsAt(value: unknown, path: string): readonly unknown[] {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  return listAt(value, path);
}

/** Whether a field says something; the official SDKs write null for what is not set. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Whether a field asks for something: not for nothing, zero or what is empty. */
export function isAsked(value: unknown): boolean {
  if (!isSet(value) || value === false || toNumber(value) === 0) return false;
  return typeof value !== "object" || toNumber(value) !== undefined || Object.keys(value as object).length > 0;
}

/** `data:` addresses with base64, as both dialects have them for images and documents. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly base64: string } | undefined {
  const comma = url.startsWith("data:") ? url.indexOf(",") : -1;
  const [mediaType = "", ...parameters] = url.slice(5, Math.max(comma, 5)).split(";");
  if (comma === -1 || !parameters.includes("base64")) return undefined;
  return { mediaType, base64: url.slice(comma + 1) };
}
