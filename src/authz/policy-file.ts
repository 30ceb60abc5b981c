import { type Document, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { nearest } from "../core/nearest.ts";
import { asSchema, callSchema, chainSchema, requestSchema } from "./imagined.ts";
import type { PolicyProblem } from "./policy-error.ts";
import { type Rule, ruleSchema } from "./rule.ts";

/** What a test expects of a decision, or of a list's item. */
export type Expectation =
  | { readonly kind: "allow" | "deny"; readonly by: string | undefined }
  | { readonly kind: "challenge"; readonly scopes: readonly string[] }
  | { readonly kind: "visible" | "hidden" };

const expectations = "allow, deny, deny by RULE, challenge SCOPES, visible or hidden";

export const expectationSchema = z
  .string()
  .transform((text, context): Expectation => {
    const [, kind, by] = /^(allow|deny)(?: by (.+))?$/s.exec(text.trim()) ?? [];
    if (kind === "allow" || kind === "deny") return { kind, by: by?.trim() };
    const [word = "", ...scopes] = text.trim().split(/\s+/);
    if (word === "challenge" && scopes.length > 0) return { kind: "challenge", scopes };
    if ((word === "visible" || word === "hidden") && scopes.length === 0) return { kind: word };
    context.addIssue({ code: "custom", message: `one of ${expectations}` });
    return z.NEVER;
  })
  .meta({ description: `What should come of it: ${expectations}.`, examples: ["allow", "deny by no way out"] });

export const policyTestSchema = z
  .strictObject({
    name: z.string().min(1).optional(),
    as: asSchema.prefault({}),
    call: callSchema.optional(),
    list: callSchema.optional(),
    chain: chainSchema.prefault({}),
    request: requestSchema.prefault({}),
    expect: expectationSchema,
  })
  .superRefine(({ call, list, expect }, context) => {
    if ((call === undefined) === (list === undefined))
      context.addIssue({ code: "custom", message: "a test has either call or list" });
    const aboutLists = expect.kind === "visible" || expect.kind === "hidden";
    if (list !== undefined && !aboutLists)
      context.addIssue({ code: "custom", path: ["expect"], message: "an item of a list is visible or hidden" });
    if (call !== undefined && aboutLists)
      context.addIssue({
        code: "custom",
        path: ["expect"],
        message: "visible and hidden are about `list`, not `call`",
      });
  });

export type PolicyTest = z.output<typeof policyTestSchema>;

/** A part of a policy file and where it stands, as `file:line`. */
export interface Placed<T> {
  readonly value: T;
  readonly place: string;
}

export interface PolicyFile {
  readonly rules: readonly Placed<Rule>[];
  readonly tests: readonly Placed<PolicyTest>[];
  readonly problems: readonly PolicyProblem[];
}

type Path = readonly (string | number)[];

function messageOf(issue: z.core.$ZodIssue, known: readonly string[]): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys
      .map((key) => {
        const near = nearest(key, known);
        return `there is no key ${key}${near === undefined ? `; known here: ${known.join(", ")}` : `; did you mean ${near}?`}`;
      })
      .join("; ");
  }
  const at = issue.path.filter((part) => typeof part === "string").join(".");
  return at === "" ? issue.message : `${at}: ${issue.message}`;
}

const subSchemas = {
  as: asSchema,
  call: callSchema,
  list: callSchema,
  chain: chainSchema,
  request: requestSchema,
} as const;

/* The keys an unknown one is compared with: those of the part it stands in. */
function knownKeys(section: "rules" | "tests", path: Path): readonly string[] {
  const part = String(path[0] ?? "");
  if (section === "rules") return Object.keys(ruleSchema.shape);
  return Object.keys(
    Object.hasOwn(subSchemas, part) ? subSchemas[part as keyof typeof subSchemas].shape : policyTestSchema.shape,
  );
}

/* The yaml library refuses aliases that would unfold into more than a hundred times the text. */
function unfold(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Reads one policy file. `name` stands in every place; nothing is thrown for what stands in the text. */
export function parsePolicyFile(text: string, name: string): PolicyFile {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: PolicyProblem[] = [];
  const placeOf = (path: Path): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as
        | { readonly range?: readonly [number, number, number] }
        | undefined;
      if (node?.range !== undefined && node.range !== null) return `${name}:${lines.linePos(node.range[0]).line}`;
    }
    return name;
  };
  for (const { message, pos } of document.errors)
    problems.push({ place: `${name}:${lines.linePos(pos[0]).line}`, message });
  if (problems.length > 0) return { rules: [], tests: [], problems };

  const content = unfold(document);
  if (content instanceof Error) return { rules: [], tests: [], problems: [{ place: name, message: content.message }] };
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return {
      rules: [],
      tests: [],
      problems: [{ place: name, message: "a policy file has `rules:` and, beside them, `tests:`" }],
    };
  }
  for (const key of Object.keys(content).filter((found) => found !== "rules" && found !== "tests")) {
    problems.push({ place: placeOf([key]), message: `there is no key ${key}; a policy file has rules and tests` });
  }
  const parse = <T>(section: "rules" | "tests", schema: z.ZodType<T>): Placed<T>[] => {
    const items = (content as Readonly<Record<string, unknown>>)[section] ?? [];
    if (!Array.isArray(items)) {
      problems.push({ place: placeOf([section]), message: `${section} is a list` });
      return [];
    }
    return items.flatMap((item: unknown, index): Placed<T>[] => {
      const parsed = schema.safeParse(item);
      if (parsed.success) return [{ value: parsed.data, place: placeOf([section, index]) }];
      for (const issue of parsed.error.issues) {
        const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
        problems.push({
          place: placeOf([section, index, ...path]),
          message: messageOf(issue, knownKeys(section, path)),
        });
      }
      return [];
    });
  };
  return { rules: parse("rules", ruleSchema), tests: parse("tests", policyTestSchema), problems };
}
