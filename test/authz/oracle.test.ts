import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { authzOf, caller, operation } from "./scene.ts";

/* Boolean rules, generated as trees, are written as CEL for the product and interpreted here by their definition. */

type Tree =
  | { readonly kind: "atom"; readonly atom: keyof typeof atoms }
  | { readonly kind: "not"; readonly of: Tree }
  | { readonly kind: "and" | "or"; readonly left: Tree; readonly right: Tree }
  | { readonly kind: "if"; readonly of: Tree; readonly left: Tree; readonly right: Tree };

interface World {
  readonly groups: readonly string[];
  readonly tool: string;
  readonly path: string | undefined;
}
type Truth = true | false | "error";

const atoms = {
  member: { cel: '"g" in principal.groups', needsCall: false, is: ({ groups }: World): Truth => groups.includes("g") },
  named: { cel: 'mcp.tool.name == "t"', needsCall: false, is: ({ tool }: World): Truth => tool === "t" },
  broken: { cel: "principal.claims.none == 1", needsCall: false, is: (): Truth => "error" },
  path: {
    cel: 'mcp.tool.arguments.path == "p"',
    needsCall: true,
    is: ({ path }: World): Truth => (path === undefined ? "error" : path === "p"),
  },
  hasPath: { cel: "has(mcp.tool.arguments.path)", needsCall: true, is: ({ path }: World): Truth => path !== undefined },
  yes: { cel: "true", needsCall: false, is: (): Truth => true },
} as const;

function toCel(tree: Tree): string {
  switch (tree.kind) {
    case "atom":
      return atoms[tree.atom].cel;
    case "not":
      return `!(${toCel(tree.of)})`;
    case "if":
      return `((${toCel(tree.of)}) ? (${toCel(tree.left)}) : (${toCel(tree.right)}))`;
    default:
      return `((${toCel(tree.left)}) ${tree.kind === "and" ? "&&" : "||"} (${toCel(tree.right)}))`;
  }
}

/* The definition of CEL: && and || ignore an error when the other side alone decides. */
function interpret(tree: Tree, world: World): Truth {
  if (tree.kind === "atom") return atoms[tree.atom].is(world);
  if (tree.kind === "not") {
    const value = interpret(tree.of, world);
    return value === "error" ? value : !value;
  }
  if (tree.kind === "if") {
    const condition = interpret(tree.of, world);
    return condition === "error" ? condition : interpret(condition ? tree.left : tree.right, world);
  }
  const sides = [interpret(tree.left, world), interpret(tree.right, world)];
  const decisive = tree.kind === "or";
  if (sides.includes(decisive)) return decisive;
  return sides.includes("error") ? "error" : !decisive;
}

const needsCall = (tree: Tree): boolean =>
  tree.kind === "atom"
    ? atoms[tree.atom].needsCall
    : (["of", "left", "right"] as const).some(
        (side) => side in tree && needsCall((tree as Record<typeof side, Tree>)[side]),
      );

const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...(Object.keys(atoms) as (keyof typeof atoms)[])).map((atom): Tree => ({ kind: "atom", atom })),
    tie("tree").map((of): Tree => ({ kind: "not", of })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), tie("tree"), tie("tree"))
      .map(([kind, left, right]): Tree => ({ kind, left, right })),
    fc.tuple(tie("tree"), tie("tree"), tie("tree")).map(([of, left, right]): Tree => ({ kind: "if", of, left, right })),
  ),
})).tree;

const scopeNames = ["s", "t"] as const;
const rule = fc.record({
  effect: fc.constantFrom("allow" as const, "deny" as const, "require" as const),
  tree,
  scopes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.subarray([...scopeNames], { minLength: 1 }) },
  ),
});
type GeneratedRule = typeof rule extends fc.Arbitrary<infer R> ? R : never;

const policies = fc.array(rule, { minLength: 1, maxLength: 5 });
const worlds: readonly World[] = [[], ["g"]].flatMap((groups) =>
  ["t", "u"].flatMap((tool) => [undefined, "p", "q"].map((path) => ({ groups, tool, path }))),
);

/** The sentence of the documentation, word for word: an allow matches, no deny matches, every require holds. */
function passes(rules: readonly GeneratedRule[], world: World, scopes: readonly string[]): boolean {
  const held = (wanted: readonly string[]) => wanted.every((scope) => scopes.includes(scope));
  const of = (effect: GeneratedRule["effect"]) => rules.filter((each) => each.effect === effect);
  return (
    of("allow").some((each) => interpret(each.tree, world) === true && held(each.scopes)) &&
    !of("deny").some(
      (each) => interpret(each.tree, world) !== false && !(each.scopes.length > 0 && held(each.scopes)),
    ) &&
    of("require").every((each) => interpret(each.tree, world) === true && held(each.scopes))
  );
}

const build = (rules: readonly GeneratedRule[]) =>
  authzOf(
    ...rules.map(({ effect, tree: of, scopes }, index) => ({
      name: `r${index}`,
      on: "mcp",
      [effect]: toCel(of),
      ...(scopes.length > 0 && { scopes }),
    })),
  );
const callOf = ({ tool, path }: World) => operation({ tool, arguments: path === undefined ? {} : { path } });
const scopeSets = [[], ["s"], ["s", "t"]];

describe("generated policies", () => {
  test("decide as the definition says, and challenge exactly where all scopes would let the caller pass", () => {
    fc.assert(
      fc.property(policies, (rules) => {
        const authz = build(rules);
        for (const world of worlds) {
          for (const scopes of scopeSets) {
            const decision = authz.authorize(caller({ groups: world.groups, scopes }), callOf(world));
            const asked = decision.allow ? undefined : decision.scopes;
            expect({
              allow: decision.allow,
              challenged: asked !== undefined,
              enough: passes(rules, world, [...scopes, ...(asked ?? [])]),
            }).toEqual({
              allow: passes(rules, world, scopes),
              challenged: !passes(rules, world, scopes) && passes(rules, world, scopeNames),
              enough: decision.allow || asked !== undefined,
            });
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test("never allow a call to an item they hide, nor challenge it", () => {
    fc.assert(
      fc.property(policies, (rules) => {
        const authz = build(rules);
        for (const { groups, tool } of worlds) {
          const who = caller({ groups });
          const visible = authz.visible(who, callOf({ groups, tool, path: undefined }));
          const outcomes = worlds
            .filter((world) => world.tool === tool && world.groups === groups)
            .map((world) => authz.authorize(who, callOf(world)));
          const reachable = outcomes.some((decision) => decision.allow || decision.scopes !== undefined);
          /* Where a call may differ, an item may be seen that no call gets; the other way round is a hole. */
          const listed = rules.some((each) => needsCall(each.tree)) ? visible || reachable : reachable;
          expect(visible).toBe(listed);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("are explained by the decision they make", () => {
    fc.assert(
      fc.property(policies, fc.constantFrom(...worlds), (rules, world) => {
        const authz = build(rules);
        const who = caller({ groups: world.groups });
        const explanation = authz.explain(who, callOf(world));
        expect(explanation.decision).toEqual(authz.authorize(who, callOf(world)));
        for (const [index, { outcome }] of explanation.rules.entries()) {
          const truth = interpret(rules[index]!.tree, world);
          expect(outcome).toBe(truth === "error" ? "error" : truth ? "match" : "no match");
        }
        expect(explanation.rules.filter(({ decided }) => decided)).toHaveLength(
          explanation.decision.rule === "default" ? 0 : 1,
        );
      }),
      { numRuns: 200 },
    );
  });
});
