import type { TextSlot } from "../../core/text.ts";

const LONGEST = 40;

/**
 * What stands before a text that is a member of a structure: its name. Ten digits by themselves are no telephone number, under `phone`
 * they are one, whether the structure came as JSON text or as JSON.
 */
export function leadOf({ path, json }: TextSlot): string {
  if (json === true) return "";
  const name = path.findLast((step) => typeof step === "string");
  return typeof name === "string" ? `${name.slice(0, LONGEST)}: ` : "";
}
