import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { annotationGroups } from "../../src/k8s/migrate/registry.ts";
import { brokenRules } from "./gateway-api-rules.ts";
import { ingress, migrated, PREFIX } from "./migrate-input.ts";

/* Taken from the sources of controller 1.15.0, independently of the registry. */
const known = readFileSync(new URL("../fixtures/ingress-nginx-annotations.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

/* Values of which each annotation may understand some. */
const values = fc.oneof(
  fc.constantFrom(
    "true",
    "false",
    "on",
    "off",
    "",
    "/",
    "/$1",
    "/$2",
    "/x",
    "/a//b",
    "10",
    "-1",
    "301",
    "308",
    "*",
    "https://x.example.com",
    "https://*.x.org, http://y",
  ),
  fc.constantFrom(
    "http://x?y=1",
    "HTTPS",
    "GRPC",
    "ns/name",
    "GET, POST, BREW",
    "X-A, b c",
    "a.example.com,~^x",
    "$host",
    "10.0.0.0/8",
    "http://m.ns.svc:81$request_uri",
    "a\n---\nb",
  ),
  fc.string(),
);
const paths = fc.constantFrom(
  "/",
  "/v1",
  "/v1/",
  "/api(/|$)(.*)",
  "/api/(.*)",
  "/(.*)",
  "/a/?(.*)",
  "/v[0-9]+/x",
  "/x|/y",
  "//a",
  "/a/../b",
  "",
  "(",
);
const pathTypes = fc.constantFrom("Prefix", "Exact", "ImplementationSpecific", "prefix");
const hosts = fc.constantFrom("a.example.com", "b.example.com", "*.example.com", "", "Not A Host", "10.0.0.1");
const annotations = fc.dictionary(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, fc.string({ minLength: 1 })),
  values,
  { maxKeys: 8 },
);

const sketches = fc.array(
  fc.record({
    name: fc.constantFrom("web", "api", "shop"),
    namespace: fc.constantFrom("default", "team"),
    host: hosts,
    paths: fc.array(
      fc.record({ path: paths, pathType: pathTypes, port: fc.constantFrom<number | string>(80, 8080, "http") }),
      { maxLength: 4 },
    ),
    tls: fc.constantFrom(
      [],
      [{ hosts: ["a.example.com", "*.example.com"], secretName: "s" }],
      [{ secretName: "t" }],
      [{ hosts: ["a.example.com"] }],
    ),
    nginx: annotations,
  }),
  { minLength: 1, maxLength: 4 },
);

describe("nothing is lost in silence", () => {
  test("every annotation that Ingress-NGINX knows stands in exactly one group", () => {
    const named = annotationGroups.flatMap((group) => Object.keys(group.annotations));
    expect(named.toSorted()).toEqual(known.toSorted());
    expect(new Set(named).size).toBe(138);
  });

  test.for(known)("%s is reported with what became of it", (name) => {
    for (const value of ["true", "x"]) {
      const { rows, reports } = migrated([ingress({ nginx: { [name]: value } })]);
      expect(rows(name).length).toBeGreaterThan(0);
      for (const row of rows(name)) {
        expect(row.text).not.toBe("");
        if (row.outcome === "not translated") expect(row.todo ?? "").not.toBe("");
      }
      expect(reports).toHaveLength(1);
    }
  });

  test("whatever the manifests hold, each annotation of each Ingress is reported, and what is applied is valid", () => {
    fc.assert(
      fc.property(sketches, (all) => {
        const { reports, applied } = migrated(all.map(ingress));
        expect(reports).toHaveLength(all.length);
        for (const [index, { nginx }] of all.entries()) {
          const subjects = new Set(reports[index]?.rows.map(({ subject }) => subject));
          expect(Object.keys(nginx).filter((name) => !subjects.has(PREFIX + name))).toEqual([]);
        }
        expect(applied.flatMap(brokenRules)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
