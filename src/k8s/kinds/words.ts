import { z } from "zod";

/* What the CRDs of the Gateway API are written in; limits and patterns are theirs. */

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const groupName = z
  .string()
  .max(253)
  .refine((text) => text === "" || SUBDOMAIN.test(text), "a group such as gateway.networking.k8s.io, or nothing");
export const kindName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, "a kind such as Service");
export const objectName = z.string().min(1).max(253);
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const namespaceName = z.string().regex(LABEL, "a namespace: at most 63 lower-case letters, digits and -");
export const sectionName = z.string().max(253).regex(SUBDOMAIN, "a name of lower-case letters, digits, - and .");
export const portNumber = z.int().min(1).max(65_535);

export const preciseHostname = z
  .string()
  .min(1)
  .max(253)
  .regex(SUBDOMAIN, "a host in lower case, without a port, such as shop.example.com");
export const hostname = z
  .string()
  .min(1)
  .max(253)
  .refine(
    (text) => SUBDOMAIN.test(text.replace(/^\*\./, "")),
    "a host in lower case, without a port, such as shop.example.com or *.example.com",
  );

/** What is wrong with the name of an object or of a namespace; undefined: nothing. */
export function nameFault(name: string, form: "subdomain" | "label"): string | undefined {
  if (form === "label")
    return LABEL.test(name)
      ? undefined
      : "expected at most 63 lower-case letters, digits and -, with a letter or a digit first and last";
  return name.length <= 253 && SUBDOMAIN.test(name)
    ? undefined
    : "expected at most 253 lower-case letters, digits, - and ., with a letter or a digit first and last";
}

/** GEP-2257. */
export const duration = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, "a duration such as 10s or 1m30s (h, m, s and ms; no days, no fractions)");

export const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
export type LabelSelector = z.output<typeof labelSelector>;

/** A list whose entries are told apart by one field (`x-kubernetes-list-type: map`). */
export const listBy = <T extends z.ZodType<Readonly<Record<string, unknown>>>>(entry: T, key: string, most: number) =>
  z
    .array(entry)
    .max(most)
    .superRefine((list, context) => {
      const seen = new Set<unknown>();
      for (const [index, { [key]: value }] of list.entries()) {
        if (seen.has(value))
          context.addIssue({ code: "custom", path: [index, key], message: `stands here twice: keep one` });
        seen.add(value);
      }
    });

/** A list without repetition (`x-kubernetes-list-type: set`). */
export const listSet = <T extends z.ZodType<string>>(entry: T, most: number) =>
  z
    .array(entry)
    .max(most)
    .superRefine((list, context) => {
      for (const [index, value] of list.entries())
        if (list.indexOf(value) !== index)
          context.addIssue({ code: "custom", path: [index], message: "stands here twice: keep one" });
    });
