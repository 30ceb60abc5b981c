import { configJsonSchema } from "../src/config/json-schema.ts";

/** The parts of JSON Schema that zod writes. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly not?: unknown;
  readonly "x-secret"?: boolean | string;
}

interface Row {
  readonly path: string;
  readonly node: Node;
  readonly required: boolean;
}

const formsOf = (node: Node): readonly Node[] => node.anyOf ?? node.oneOf ?? [];
const isRefused = (node: Node) => node.not !== undefined || node.description?.startsWith("Not in this build") === true;

function typeOf(node: Node): string {
  const forms = formsOf(node);
  if (forms.length > 0) return [...new Set(forms.map(typeOf))].join(" or ");
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (node["x-secret"] === true) return "secret";
  if (node.type === "array") return node.items === undefined ? "list" : `list of ${typeOf(node.items)}`;
  return { object: "map", integer: "whole number", string: "text" }[node.type ?? ""] ?? node.type ?? "anything";
}

/* What a union of maps leaves open is said once for each of its forms, so equal rows fall together. */
function rowsBelow(path: string, node: Node): Row[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, inner]): Row[] => {
    if (isRefused(inner)) return [];
    const row = {
      path: `${path}.${key}`,
      node: inner,
      required: node.required?.includes(key) === true && inner.const === undefined,
    };
    return [row, ...rowsBelow(row.path, inner)];
  });
  const named =
    typeof node.additionalProperties === "object" ? rowsBelow(`${path}.NAME`, node.additionalProperties) : [];
  const listed = node.items === undefined ? [] : rowsBelow(`${path}[]`, node.items);
  return [...own, ...named, ...listed, ...formsOf(node).flatMap((form) => rowsBelow(path, form))];
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function initialOf({ node, required }: Row): string {
  const isDefault = node.default !== undefined && typeof node.default !== "object";
  return required ? "required" : isDefault ? code(node.default) : "";
}

/** One key, as all forms that have it say: what they do not agree on is left to each form's own description. */
function toLine(path: string, rows: readonly Row[]): string {
  const types = [...new Set(rows.map(({ node }) => typeOf(node)))].join(", ");
  const initials = new Set(rows.map(initialOf));
  const node = rows.find((row) => row.node.description !== undefined)?.node;
  const example = node?.examples?.[0];
  return `| \`${path}\` | ${cell(types)} | ${initials.size === 1 ? cell([...initials].join("")) : "differs"} | ${cell(node?.description ?? "")} | ${example === undefined ? "" : cell(code(example))} |`;
}

function section(key: string, node: Node, required: boolean): string {
  const rows = Map.groupBy([{ path: key, node, required }, ...rowsBelow(key, node)], (row) => row.path);
  return [
    `## ${key}`,
    "",
    "| key | takes | default | what it does | example |",
    "| --- | --- | --- | --- | --- |",
    ...[...rows].map(([path, forms]) => toLine(path, forms)),
  ].join("\n");
}

/** `docs/config.md`: every key of `sallyport.yaml`, from the schema. */
export function configReference(): string {
  const root = configJsonSchema() as Node;
  const sections = Object.entries(root.properties ?? {}).map(([key, node]) =>
    section(key, node, root.required?.includes(key) === true),
  );
  return `${[
    "<!-- Written by `npm run generate` from the schema. Change the description in a domain's config.ts, not this page. -->",
    "# sallyport.yaml",
    "",
    "`sallyport check FILE` says what a file means, or everything that is wrong with it, each with its place and the fix.",
    "`sallyport schema` prints the JSON Schema; a first line of `# yaml-language-server: $schema=./docs/sallyport.schema.json` gives completion in editors.",
    "",
    "- Durations are written `250ms`, `30s`, `5m`, `2h`, `7d`; sizes `64kB`, `4MiB`, `1GiB`.",
    "- `${env:NAME}` and `${file:/path}` stand for an environment variable and for the content of a file, in any value. A value taken that way is never printed. `$${` writes a plain `${`.",
    "- Relative paths start at the folder of the configuration file.",
    "- A running gateway reads the file again when it, or a file it refers to, changes. A file that cannot be honoured is refused, the reason is logged, and the last good configuration stays.",
    "- What can be honoured and nothing uses, such as a pool that no model is of, is a warning: of `sallyport check`, and in the log at the start and when it is read again.",
    "",
    ...sections.flatMap((text) => [text, ""]),
  ]
    .join("\n")
    .trimEnd()}\n`;
}
