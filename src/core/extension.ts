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
type Branch<E, Common extends z.ZodRawShape> =
  E extends Extension<infer Type, infer Shape, infer _Deps, infer _Made>
    ? z.ZodObject<{ type: z.ZodLiteral<Type> } & Shape & Common, z.core.$strict>
    : never;

type Branches<Registry extends readonly unknown[], Common extends z.ZodRawShape> = Registry extends readonly [
  infer First,
  ...infer Rest,
]
  ? [Branch<First, Common>, ...Branches<Rest, Common>]
  : [];

/** The config branch of a registry: a strict object for each extension, told apart by `type`; `common` options are added to each. */
export function variants<
  const Registry extends readonly AnyExtension<never, unknown>[],
  Common extends z.ZodRawShape = {},
>(registry: Registry, common: Common = {} as Common): z.ZodDiscriminatedUnion<Branches<Registry, Common>, "type"> {
  const [first, ...rest] = registry.map(({ type, description, options }) =>
    z.strictObject({ type: z.literal(type), ...options, ...common }).meta({ description }),
  );
  if (first === undefined) throw new TypeError("A registry of extensions is never empty.");
  // map() loses the tuple; the return type says what it built.
  return z.discriminatedUnion("type", [first, ...rest]) as unknown as z.ZodDiscriminatedUnion<
    Branches<Registry, Common>,
    "type"
  >;
}

/** Builds what one parsed config entry asks for. `type` was checked by the schema that `variants` gave. */
export function createVariant<Deps, Made>(
  registry: readonly AnyExtension<Deps, Made>[],
  config: { readonly type: string },
  deps: Deps,
): Made {
  const extension = registry.find(({ type }) => type === config.type);
  if (extension === undefined) throw new TypeError(`No extension of type ${config.type}.`);
  return extension.create(config as never, deps);
}
