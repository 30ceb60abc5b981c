import { z } from "zod";

type Options<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape, z.core.$strict>>;

/**
 * One way of doing something that configuration chooses by `type`: a guard, a provider, a scorer. One file defines it, one entry in its
 * folder's registry makes it known; the config branch, its TypeScript type, its JSON Schema, its docs row and its error messages follow.
 */
export interface Extension<Type extends string, Shape extends z.ZodRawShape, Deps, Made> {
  /** The value of `type` in configuration. */
  readonly type: Type;
  /** One sentence for the docs and the JSON Schema. */
  readonly description: string;
  /** A zod schema for each option besides `type`, each with `.meta({ description })`. */
  readonly options: Shape;
  create(options: Options<Shape>, deps: Deps): Made;
}

/** An extension whose options are not known: what a registry holds. */
export interface AnyExtension<Deps, Made> {
  readonly type: string;
  readonly description: string;
  readonly options: z.ZodRawShape;
  create(options: never, deps: Deps): Made;
}

/** Gives the `define…` of one kind: `export const defineGuard = defineExtension<GuardDeps, Guard>()`. */
export function defineExtension<Deps, Made>() {
  return <const Type extends string, Shape extends z.ZodRawShape>(extension: Extension<Type, Shape, Deps, Made>) =>
    extension;
}

/** The config branch of one extension. */
type Branch<E, Common extends z.ZodRawShape, Key extends string> =
  E extends Extension<infer Type, infer Shape, infer _Deps, infer _Made>
    ? z.ZodObject<{ [K in Key]: z.ZodLiteral<Type> } & Shape & Common, z.core.$strict>
    : never;

type Branches<
  Registry extends readonly unknown[],
  Common extends z.ZodRawShape,
  Key extends string,
> = Registry extends readonly [infer First, ...infer Rest]
  ? [Branch<First, Common, Key>, ...Branches<Rest, Common, Key>]
  : [];

export interface VariantsOptions<Key extends string> {
  /** The word that tells the extensions apart in configuration. Default `type`. */
  readonly key?: Key;
  /** What to say of an entry whose `key` names no extension. */
  readonly unknown?: (entry: unknown) => string;
}

/** The config branch of a registry: a strict object for each extension, told apart by `type`; `common` options are added to each that has none of that name. */
export function variants<
  const Registry extends readonly AnyExtension<never, unknown>[],
  Common extends z.ZodRawShape = {},
  const Key extends string = "type",
>(
  registry: Registry,
  common: Common = {} as Common,
  { key = "type" as Key, unknown }: VariantsOptions<Key> = {},
): z.ZodDiscriminatedUnion<Branches<Registry, Common, Key>, Key> {
  const [first, ...rest] = registry.map(({ type, description, options }) =>
    z
      .strictObject({
        [key]: z.literal(type).meta({ description: "Which kind of entry this is." }),
        ...options,
        ...common,
        // Again, so that an extension's own stand before those of all.
        ...options,
      })
      .meta({ description }),
  );
  if (first === undefined) throw new TypeError("A registry of extensions is never empty.");
  const params = unknown === undefined ? {} : { error: ({ input }: { readonly input?: unknown }) => unknown(input) };
  // map() loses the tuple; the return type says what it built.
  return z.discriminatedUnion(key, [first, ...rest], params) as unknown as z.ZodDiscriminatedUnion<
    Branches<Registry, Common, Key>,
    Key
  >;
}

/** Builds what one parsed config entry asks for. `type` was checked by the schema that `variants` gave. */
export function createVariant<Deps, Made>(
  registry: readonly AnyExtension<Deps, Made>[],
  config: { readonly type: string },
  deps: Deps,
): Made {
  return findExtension(registry, config.type).create(config as never, deps);
}

/** The extension that a parsed config entry names. */
export function findExtension<E extends { readonly type: string }>(registry: readonly E[], type: string): E {
  const extension = registry.find((candidate) => candidate.type === type);
  if (extension === undefined) throw new TypeError(`No extension of type ${type}.`);
  return extension;
}
