import type { Manifest } from "./manifests.ts";

/* What Crossplane's function-patch-and-transform does with the patches that our compositions use: FromCompositeFieldPath and PatchSet. */

interface Patch {
  readonly type: string;
  readonly patchSetName?: string;
  readonly fromFieldPath?: string;
  readonly toFieldPath?: string;
}

export interface Resources {
  readonly kind: string;
  readonly patchSets: readonly { readonly name: string; readonly patches: readonly Patch[] }[];
  readonly resources: readonly { readonly name: string; readonly base: Manifest; readonly patches: readonly Patch[] }[];
}

type Tree = Record<string, unknown>;

/** `spec.labels[app.kubernetes.io/name]` → its keys. */
const keysOf = (path: string): readonly string[] =>
  [...path.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)].map(([, bracketed, plain]) => bracketed ?? plain ?? "");

const read = (from: unknown, path: string): unknown =>
  keysOf(path).reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], from);

function write(to: Tree, path: string, value: unknown): void {
  const keys = keysOf(path);
  const last = keys.at(-1) ?? "";
  const parent = keys.slice(0, -1).reduce<Tree>((at, key) => (at[key] ??= {}) as Tree, to);
  parent[last] = value;
}

/** The objects that a composite comes to, in its namespace. Throws for a patch of another type, or one that finds nothing. */
export function compose({ patchSets, resources }: Resources, composite: Manifest): readonly Manifest[] {
  return resources.map(({ name, base, patches }) => {
    const made = structuredClone(base) as unknown as Tree;
    const all = patches.flatMap((patch) =>
      patch.type === "PatchSet"
        ? (patchSets.find((set) => set.name === patch.patchSetName)?.patches ?? [patch])
        : [patch],
    );
    for (const { type, fromFieldPath = "", toFieldPath = "" } of all) {
      const value = read(composite, fromFieldPath);
      if (type !== "FromCompositeFieldPath" || value === undefined)
        throw new Error(`${name}: ${type} ${fromFieldPath} gives nothing`);
      write(made, toFieldPath, value);
    }
    write(made, "metadata.namespace", composite.metadata.namespace);
    return made as unknown as Manifest;
  });
}
