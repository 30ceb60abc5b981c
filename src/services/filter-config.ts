import { z } from "zod";
import { keyedUnion } from "../core/keyed-union.ts";
import { durationMs } from "../core/units.ts";
import { editableHeader, headerName, headerValue, hostName, pathText } from "./words.ts";

const values = (description: string) =>
  z
    .record(editableHeader, headerValue)
    .default({})
    .meta({ description, examples: [{ "x-tier": "gold" }] });

const headerEdits = z
  .strictObject({
    set: values("Headers that get this value, whatever they had."),
    add: values("Headers that get this value beside what they have."),
    remove: z
      .array(editableHeader)
      .default([])
      .meta({ description: "Headers that are taken out.", examples: [["x-debug"]] }),
  })
  .superRefine(({ set, add, remove }, context) => {
    const names = [
      ...new Set(Object.keys(set).map(lower)),
      ...new Set(Object.keys(add).map(lower)),
      ...new Set(remove.map(lower)),
    ];
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      context.addIssue({ code: "custom", message: `${twice} stands in more than one of set, add and remove` });
  });

const lower = (name: string) => name.toLowerCase();

/* Of a replaced prefix nothing may remain. */
const replacement = z.union([z.literal(""), pathText]);

const pathEdit = keyedUnion(
  {
    full: z.strictObject({ full: pathText.meta({ description: "The whole path.", examples: ["/index.html"] }) }),
    prefix: z.strictObject({
      prefix: replacement.meta({ description: "In place of the prefix that matched.", examples: ["/api"] }),
    }),
  },
  () => "expected {full: …} or {prefix: …}",
).meta({ description: "What becomes of the path." });

const redirect = z.strictObject({
  scheme: z.enum(["http", "https"]).optional().meta({ description: "The request's own when absent." }),
  host: hostName.optional().meta({ description: "The request's own when absent.", examples: ["www.example.com"] }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "When absent: the usual one of `scheme`, or without that the gateway's own." }),
  path: pathEdit.optional(),
  status: z
    .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
    .default(302)
    .meta({ description: "The status.", examples: [301] }),
});

const rewrite = z.strictObject({
  host: hostName.optional().meta({ description: "The host that the service is told.", examples: ["shop.internal"] }),
  path: pathEdit.optional(),
});

const mirror = z.strictObject({
  service: z
    .string()
    .min(1)
    .meta({ description: "A name from `services`; its answers are ignored.", examples: ["shop-next"] }),
  percent: z
    .number()
    .min(0)
    .max(100)
    .default(100)
    .meta({ description: "Of so many requests in a hundred.", examples: [20] }),
});

const originPattern = z
  .string()
  .regex(
    /^(?:\*|[a-z][a-z0-9+.-]*:\/\/(?:\*|(?:\*\.)?[a-z0-9.-]+)(?::\d{1,5})?)$/,
    "an origin in lower case such as https://app.example.com or https://*.example.com, or *",
  );

const star = (what: string) => (list: readonly string[]) =>
  list.length === 1 || !list.includes("*") || `* stands for every ${what}: it goes alone`;

const orStar = <T extends z.ZodType<string>>(entry: T, what: string, description: string, example: string) =>
  z
    .array(entry)
    .superRefine((list, context) => {
      const fault = star(what)(list);
      if (fault !== true) context.addIssue({ code: "custom", message: fault });
    })
    .default([])
    .meta({ description, examples: [[example]] });

const cors = z.strictObject({
  origins: orStar(
    originPattern,
    "origin",
    "Pages that may call; `*.` stands for any labels.",
    "https://app.example.com",
  ),
  methods: orStar(
    z.string().regex(/^(?:\*|[A-Z][A-Z-]{0,31})$/, "a method in upper case, or *"),
    "method",
    "Methods they may use.",
    "PUT",
  ),
  headers: orStar(z.union([z.literal("*"), headerName]), "header", "Headers they may send.", "x-version"),
  expose: orStar(z.union([z.literal("*"), headerName]), "header", "Headers of answers they may read.", "x-total"),
  credentials: z.boolean().default(false).meta({ description: "Whether they may send cookies and credentials." }),
  maxAge: durationMs()
    .prefault("5s")
    .meta({ description: "How long a browser may remember it.", examples: ["10m"] }),
});

const described = {
  requestHeaders: z.strictObject({ requestHeaders: headerEdits.meta({ description: "Edits the request's headers." }) }),
  responseHeaders: z.strictObject({
    responseHeaders: headerEdits.meta({ description: "Edits the answer's headers." }),
  }),
  redirect: z.strictObject({ redirect: redirect.meta({ description: "Answers with a redirect." }) }),
  rewrite: z.strictObject({ rewrite: rewrite.meta({ description: "Changes host or path for the service." }) }),
  mirror: z.strictObject({ mirror: mirror.meta({ description: "Sends a copy of requests to another service." }) }),
  cors: z.strictObject({ cors: cors.meta({ description: "Says which pages of other origins may call (CORS)." }) }),
};

/** One filter of a rule. */
export const filterSchema = keyedUnion(described, () => `expected one of ${Object.keys(described).join(", ")}`);

const { requestHeaders, responseHeaders, rewrite: rewriting, mirror: mirroring } = described;
const ofBackend = { requestHeaders, responseHeaders, rewrite: rewriting, mirror: mirroring };

/** One filter of a backend: what is decided before a backend is chosen cannot stand there. */
export const toFilterSchema = keyedUnion(ofBackend, () => `expected one of ${Object.keys(ofBackend).join(", ")}`);

/** One filter of a pool or a model: their servers are sent requests that the gateway writes itself. */
export const toModelFilterSchema = keyedUnion(
  { requestHeaders },
  () => "expected `requestHeaders`: other filters stand with the rule",
);

export type FilterConfig = z.output<typeof filterSchema>;
export type HeaderEdits = z.output<typeof headerEdits>;
export type RedirectConfig = z.output<typeof redirect>;
export type PathEdit = z.output<typeof pathEdit>;
export type CorsConfig = z.output<typeof cors>;
