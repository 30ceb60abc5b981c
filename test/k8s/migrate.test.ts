import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { makeFolder } from "../config/config-folder.ts";
import { manifestOf } from "./article-manifests.ts";
import { brokenRules } from "./gateway-api-rules.ts";
import { ingress, migrated } from "./migrate-input.ts";

async function run(...argv: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const output = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await runCommand(commands, "0", ["migrate", ...argv], output);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

describe("sallyport migrate", () => {
  test("the article's Ingress becomes the article's HTTPRoute and the rewrite that its annotation means", async () => {
    const folder = makeFolder({ "ingress.yaml": manifestOf("Ingress") });
    const { code, out, err } = await run(folder.path);
    const expected = parse(manifestOf("HTTPRoute")) as { spec: { rules: object[] } };
    Object.assign(expected.spec.rules[0] ?? {}, {
      filters: [{ type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/" } } }],
    });
    expect(migrated(manifestOf("Ingress")).routes).toEqual([expected]);
    expect(out).toContain("kind: HTTPRoute");
    expect(err).toMatch(/rewrite-target +\/v1: URLRewrite ReplaceFullPath \//);
    expect(err).toMatch(/without regard to case/);
    expect(code).toBe(0);
  });

  test("the exit code tells whether a person has something to do", async () => {
    const clean = makeFolder({ "a.json": JSON.stringify(ingress()) });
    const held = makeFolder({ "a.json": JSON.stringify(ingress({ nginx: { "limit-rate": "5" } })) });
    const broken = makeFolder({ "a.json": JSON.stringify(ingress()), "b.yaml": "a: [" });
    expect((await run(clean.path)).code).toBe(0);
    expect(await run(held.path)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/limit-rate +not translated[^]*to do: /),
    });
    expect(await run(broken.path)).toMatchObject({ code: 2, err: expect.stringContaining("b.yaml:1:") });
    expect(await run(makeFolder().path)).toMatchObject({ code: 1, out: "" });
    expect(await run(clean.at("none"))).toMatchObject({ code: 1, out: "" });
  });

  test("options name the Gateway, its class, the namespace and further classes of Ingress", async () => {
    const folder = makeFolder({ "a.json": JSON.stringify(ingress({ spec: { ingressClassName: "internal" } })) });
    const { out } = await run(
      folder.path,
      "--gateway",
      "infra/edge",
      "--gateway-class",
      "own",
      "--namespace",
      "shop",
      "--ingress-class",
      "internal",
    );
    expect(out).toMatch(
      /kind: Gateway\nmetadata:\n {2}name: edge\n {2}namespace: infra\nspec:\n {2}gatewayClassName: own/,
    );
    expect(out).toMatch(/namespace: shop\nspec:\n {2}parentRefs:\n {4}- name: edge\n {6}namespace: infra/);
    expect(await run(folder.path)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("of class internal"),
    });
  });

  test("what would let in more than before is printed as comments alone, and its paths are closed to other routes of the host", () => {
    const admin = ingress({
      name: "admin",
      paths: [{ path: "/admin" }],
      nginx: { "whitelist-source-range": "10.0.0.0/8" },
    });
    const alone = migrated([admin]);
    expect(alone.routes).toEqual([]);
    expect(alone.yaml).toMatch(/# NOT APPLIED/);
    expect(alone.yaml).toMatch(/^# {3}name: admin$/m);
    const { routes, yaml, reports } = migrated([admin, ingress({ paths: [{ path: "/" }] })]);
    expect(routes.map(({ metadata }) => metadata.name)).toEqual(["admin-closed", "web"]);
    expect(routes[0]?.spec["rules"]).toEqual([{ matches: [{ path: { type: "PathPrefix", value: "/admin" } }] }]);
    expect(yaml).toContain("answers 500");
    expect(reports[0]?.withheld).toHaveLength(1);
  });

  test("a value with line breaks cannot leave the comment it stands in", () => {
    const evil = "deny all;\n---\nkind: HTTPRoute\u2028kind: Secret\r\nkind: Pod";
    const { applied, yaml } = migrated([
      ingress({
        nginx: { "configuration-snippet": evil, "temporal-redirect": `https://x/${evil}`, [`evil\nkind: Pod`]: "x" },
      }),
    ]);
    expect(applied.map(({ kind }) => kind)).toEqual(["Gateway"]);
    expect(yaml).not.toMatch(/^kind: (?:Pod|Secret|HTTPRoute)/m);
  });

  test("the same manifests give the same output, byte for byte", () => {
    const input = [
      ingress({ tls: [{ hosts: ["a.example.com"], secretName: "s" }] }),
      ingress({ name: "other", host: "" }),
    ];
    expect(migrated(input).yaml).toBe(migrated(input).yaml);
  });

  test("Ingresses of other classes and of names that stand there already are left out, and each annotation of theirs is reported; which of two counts is not guessed", () => {
    const nginx = { "enable-cors": "true" };
    const input = [
      ingress({ nginx, spec: { ingressClassName: "traefik" } }),
      ingress({ name: "old", nginx, annotations: { "kubernetes.io/ingress.class": "nginx" } }),
      ingress({ name: "old", nginx }),
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "IngressClass",
        metadata: { name: "edge" },
        spec: { controller: "k8s.io/ingress-nginx" },
      },
      ingress({ name: "edged", paths: [{ path: "/e" }], spec: { ingressClassName: "edge" } }),
    ];
    const { routes, rows, reports } = migrated(input);
    expect(routes.map(({ metadata }) => metadata.name)).toEqual(["old-closed", "edged"]);
    expect(rows("enable-cors").map(({ outcome }) => outcome)).toEqual([
      "not translated",
      "translated",
      "not translated",
    ]);
    expect(reports).toHaveLength(4);
  });

  test("an Ingress of the betas is read as well", () => {
    const old = {
      apiVersion: "extensions/v1beta1",
      kind: "Ingress",
      metadata: { name: "old" },
      spec: {
        rules: [
          {
            host: "a.example.com",
            http: { paths: [{ path: "/x", backend: { serviceName: "s", servicePort: 8080 } }] },
          },
        ],
      },
    };
    expect(migrated([old]).routes[0]?.spec["rules"]).toEqual([
      { matches: [{ path: { type: "PathPrefix", value: "/x" } }], backendRefs: [{ name: "s", port: 8080 }] },
    ]);
  });

  test("more hosts, rules and certificates than one object holds are spread over several", () => {
    const hosts = Array.from({ length: 70 }, (_, index) => `h${index}.example.com`);
    const rule = (host: string) => ({
      host,
      http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "s", port: { number: 80 } } } }] },
    });
    const many = ingress({ tls: [{ hosts, secretName: "s" }], spec: { rules: hosts.map(rule) } });
    const { routes, gateways, applied } = migrated([
      many,
      ingress({ name: "deep", paths: Array.from({ length: 40 }, (_, index) => ({ path: `/${index}` })) }),
    ]);
    expect(gateways.map(({ spec }) => (spec["listeners"] as unknown[]).length)).toEqual([64, 8]);
    expect(routes.filter(({ metadata }) => metadata.name.startsWith("deep"))).toHaveLength(3);
    expect(new Set(routes.flatMap(({ spec }) => (spec["hostnames"] as string[]) ?? [])).size).toBe(71);
    expect(applied.flatMap(brokenRules)).toEqual([]);
  });
});
