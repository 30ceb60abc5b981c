import type { MatchSpec } from "../kinds/http-route.ts";

/** A match in the words of `routes`. Of names that come twice the first counts (HTTPHeaderMatch.name, HTTPQueryParamMatch.name). */
export function toMatch({ path, method, headers = [], queryParams = [] }: MatchSpec) {
  return {
    path:
      path.type === "Exact"
        ? { exact: upperEscapes(path.value) }
        : path.type === "PathPrefix"
          ? { prefix: upperEscapes(path.value) }
          : { regex: path.value },
    ...(method !== undefined && { method }),
    ...(headers.length > 0 && { headers: toTests(headers, (name) => name.toLowerCase()) }),
    ...(queryParams.length > 0 && { query: toTests(queryParams, (name) => name) }),
  };
}

type TextMatches = NonNullable<MatchSpec["headers"]>;

function toTests(matches: TextMatches, keyOf: (name: string) => string) {
  const tests = new Map<string, string | { regex: string }>();
  for (const { name, type, value } of matches) {
    const key = keyOf(name);
    if (!tests.has(key)) tests.set(key, type === "Exact" ? value : { regex: value });
  }
  return Object.fromEntries(tests);
}

/** Percent-encodings as the edge writes them (RFC 3986, section 6.2.2.1). */
export const upperEscapes = (path: string) => path.replaceAll(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
