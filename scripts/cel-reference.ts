import { type Field, fieldsOf, isShape, type ShapeName, type VariableName, variables } from "../src/cel/variables.ts";

const callOnlyNotes = { always: "only in calls", "when empty": "in lists only when known" };

function row(path: string, { type, description, callOnly }: Field, root: VariableName): string {
  const note = callOnly === undefined ? "" : callOnlyNotes[callOnly];
  return `| \`${path}\` | \`${type}\` | ${variables[root].on.join(", ")} | ${note} | ${description} |`;
}

/** One row a field: the fields of an inner shape in its place, those of a list's elements after it. */
function rowsOf(shape: ShapeName, root: VariableName, path: string): string[] {
  return Object.entries(fieldsOf(shape)).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    if (isShape(field.type)) return rowsOf(field.type, root, here);
    const element = /^list<(.+)>$/.exec(field.type)?.[1] ?? "";
    return [row(here, field, root), ...(isShape(element) ? rowsOf(element, root, `${here}[i]`) : [])];
  });
}

/** `docs/cel-variables.md`: what an expression may read, from the code. */
export function celReference(): string {
  const names = Object.keys(variables) as VariableName[];
  return `${[
    "<!-- Written by `npm run generate` from src/cel/variables.ts. -->",
    "# What expressions may read",
    "",
    "The one CEL environment of policies and of every other expression in the configuration. [Policies](policies.md) tells how rules use it.",
    "`int` values are whole numbers; numbers inside `arguments`, `claims` and other untyped values are `double`.",
    "",
    "| path | type | in rules on | available | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...names.flatMap((name) => rowsOf(name, name, name)),
    `| \`budget.remaining("name")\` | \`double\` | ${variables.budget.on.join(", ")} | | The share that is left of the tightest limit of a budget that holds for the call, 0 to 1: last known, read without waiting. 1 where nothing was used yet or no limit holds; a name that no budget has is an error. |`,
    `| \`llm.similarity("label")\` | \`double\` | | only in rules of virtual models | The likeness of what is asked to the nearest of [examples](routing.md#what-a-call-means), 0 to 1. |`,
    `| \`llm.class("classifier")\` | \`string\` | | only in rules of virtual models | The label that a [classifier](routing.md#what-a-call-means) is surest of. |`,
    `| \`llm.classScore("classifier", "label")\` | \`double\` | | only in rules of virtual models | How sure it is of a label, 0 to 1. |`,
  ].join("\n")}\n`;
}
