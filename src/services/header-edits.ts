import type { HeaderEdits } from "./filter-config.ts";

/** One edit of a header; the name is in lower case. */
export type HeaderEdit =
  | { readonly do: "set" | "add"; readonly name: string; readonly value: string }
  | { readonly do: "remove"; readonly name: string };

/** Of names that differ in case alone the first counts. */
export function compileHeaderEdits({ set, add, remove }: HeaderEdits): HeaderEdit[] {
  const unique = (values: Readonly<Record<string, string>>) => {
    const lower = new Map<string, string>();
    for (const [name, value] of Object.entries(values))
      if (!lower.has(name.toLowerCase())) lower.set(name.toLowerCase(), value);
    return [...lower];
  };
  return [
    ...unique(set).map(([name, value]): HeaderEdit => ({ do: "set", name, value })),
    ...unique(add).map(([name, value]): HeaderEdit => ({ do: "add", name, value })),
    ...[...new Set(remove.map((name) => name.toLowerCase()))].map((name): HeaderEdit => ({ do: "remove", name })),
  ];
}

type Headers = Record<string, string | string[]>;

/** Makes the edits in place. A list of values, as cookies are, is edited line by line. */
export function editHeaders(headers: Headers, edits: readonly HeaderEdit[]): void {
  for (const edit of edits) {
    const before = headers[edit.name];
    if (edit.do === "remove") delete headers[edit.name];
    else if (edit.name === "set-cookie")
      headers[edit.name] = edit.do === "add" ? [...[before ?? []].flat(), edit.value] : [edit.value];
    else if (edit.do === "set" || before === undefined) headers[edit.name] = edit.value;
    // Joined as RFC 9110, section 5.3 allows; clients and conformance tests read it as one more line.
    else headers[edit.name] = `${String(before)},${edit.value}`;
  }
}
