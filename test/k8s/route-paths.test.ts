import { expect, test } from "vitest";
import { translated } from "./meaning.ts";

const GROUP = "gateway.networking.k8s.io";
const scene = (annotation: string, routes: readonly (readonly [namespace: string, rules: string])[]) =>
  translated(
    [
      `apiVersion: ${GROUP}/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}`,
      `apiVersion: ${GROUP}/v1
kind: Gateway
metadata: {name: gw, namespace: infra, generation: 1, annotations: {sallyport.dev/route-paths: "${annotation}"}}
spec:
  gatewayClassName: sallyport
  listeners: [{name: it, port: 80, protocol: HTTP, hostname: gw.example.com, allowedRoutes: {namespaces: {from: All}}}]`,
      ...routes.map(
        ([namespace, rules]) => `apiVersion: ${GROUP}/v1
kind: HTTPRoute
metadata: {name: r, namespace: ${namespace}, generation: 1}
spec: {parentRefs: [{name: gw, namespace: infra}], rules: ${rules}}`,
      ),
    ].join("\n---\n"),
    "cluster",
    { platformNamespaces: ["infra"] },
  );
const acceptedOf = ({ statuses }: ReturnType<typeof scene>, namespace: string) => {
  const found = statuses.find((each) => each.kind === "HTTPRoute" && each.namespace === namespace);
  const [parent] = found?.status["parents"] as {
    conditions: { type: string; status: string; reason: string; message: string }[];
  }[];
  const accepted = parent?.conditions.find(({ type }) => type === "Accepted");
  return accepted?.status === "True" ? "True" : `${accepted?.reason}: ${accepted?.message}`;
};
const path = (type: string, value: string) => `{path: {type: ${type}, value: "${value}"}}`;
const matches = (...all: readonly string[]) => `{matches: [${all.join(", ")}]}`;

test.each([
  ["its prefix", matches(path("PathPrefix", "/models/team-b"))],
  ["a path beneath it", matches(path("Exact", "/models/team-b/chat/v1/chat/completions"))],
  ["the second prefix", matches(path("PathPrefix", "/apps/team-b/"))],
])("a route of another namespace may have %s", (_, rule) => {
  const made = scene("/models/{namespace}, /apps/{namespace}", [["team-b", `[${rule}]`]]);
  expect(acceptedOf(made, "team-b")).toBe("True");
  expect(Object.keys(made.routes)).toEqual(["team-b/r"]);
});

test.each([
  [
    "an exact path of another",
    matches(path("Exact", "/models/support/chat/v1/chat/completions")),
    "Exact /models/support/chat/v1/chat/completions",
  ],
  [
    "a longer prefix of another",
    matches(path("PathPrefix", "/models/support/chat/v1")),
    "PathPrefix /models/support/chat/v1",
  ],
  ["a name that begins like its own", matches(path("PathPrefix", "/models/team-bc")), "PathPrefix /models/team-bc"],
  ["the prefix of all", matches(path("PathPrefix", "/models")), "PathPrefix /models"],
  [
    "a regular expression",
    matches(path("RegularExpression", "/models/team-b/.*")),
    "RegularExpression /models/team-b/.*",
  ],
  ["a rule without matches", "{}", "PathPrefix /"],
  ["a match without a path", matches("{method: POST}"), "PathPrefix /"],
  [
    "its own path and, in the same rule, another's",
    matches(path("Exact", "/models/team-b"), path("Exact", "/models/support")),
    "Exact /models/support",
  ],
])("and not %s, which is said", (_, rule, at) => {
  const own = matches(path("PathPrefix", "/models/team-b"));
  const made = scene("/models/{namespace}", [
    ["team-b", `[${own}, ${rule}]`],
    ["infra", `[${rule}]`],
  ]);
  expect(acceptedOf(made, "team-b")).toBe(
    "NotAllowedByListeners: Gateway infra/gw takes routes of namespace team-b at Exact or PathPrefix paths under /models/team-b alone " +
      `(sallyport.dev/route-paths), and not at ${at}`,
  );
  expect(acceptedOf(made, "infra")).toBe("True");
  expect(Object.keys(made.routes)).toEqual(["infra/r"]);
});

test.each(["models", "/models/{team}", "/models", "", "/models/{namespace}, "])(
  "no route of another namespace is taken where the annotation is %j",
  (annotation) => {
    const made = scene(annotation, [["team-b", `[${matches(path("PathPrefix", "/models/team-b"))}]`]]);
    expect(acceptedOf(made, "team-b")).toContain("is no prefix such as /models/{namespace}");
    expect(made.warnings).toContainEqual(expect.stringContaining("is no prefix such as"));
  },
);
