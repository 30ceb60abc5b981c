import { z } from "zod";

const names = (description: string, examples: string[][]) =>
  z.array(z.string().min(1).max(256)).meta({ description, examples });
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, "a name of letters, digits and . _ @ -, at most 128 characters");
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, "a scope: printable characters without space, quote and backslash");
export const scopes = (description: string) =>
  z
    .array(scope)
    .max(100)
    .meta({ description, examples: [["gateway", "tools:write"]] });
export const tenant = z
  .string()
  .min(1)
  .max(256)
  .meta({ description: "The tenant this caller belongs to.", examples: ["team-a"] });
export const groups = names("Groups this caller belongs to: `principal.groups` in policies.", [["analyst"]]).default(
  [],
);

/* https, or http for an issuer on this machine or in its network, which only an operator can name. */
export const url = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^\s?#]+$/.test(text) && URL.canParse(text),
    "an http or https URL without query and fragment",
  );
