import type { ConfigPath } from "../core/config-problem.ts";
import type { Remark } from "./kinds/define-kind.ts";
import { isMap, type JsonMap, type Manifest } from "./manifest.ts";

/** One piece of configuration and the object it comes from. */
export interface ConfigPiece {
  /** Of an entry of a map, such as `routes` and `default/shop`; or of a list. */
  readonly path: readonly string[];
  readonly value: unknown;
  readonly in: "map" | "list";
  readonly from: Manifest;
  /** Other objects that it comes from as much: what is wrong with it is wrong with all of them. */
  readonly also: readonly Manifest[];
  /** The place in the object of a place in the value; undefined: the object itself. */
  readonly locate: ((path: ConfigPath) => ConfigPath) | undefined;
}

/** Where the translation of one object puts what comes of it, in the words of the configuration file. */
export interface PieceSink {
  /** One entry of a map: `set(["pools", "default/llama"], …)`. */
  set(path: readonly string[], value: unknown, locate?: ConfigPiece["locate"]): void;
  /** One entry of a map that this object has with others. */
  share(path: readonly string[], value: unknown, also: readonly Manifest[]): void;
  /** One more entry of a list: `push(["guardrails"], …)`. */
  push(path: readonly string[], value: unknown, locate?: ConfigPiece["locate"]): void;
}

/** The pieces of a translation. */
export interface ConfigPieces {
  of(from: Manifest): PieceSink;
  /** Takes back everything that came of an object, and what is still to come. */
  drop(from: Manifest): void;
  /** Changes the value of an entry of a map that is there. */
  edit(path: readonly string[], change: (value: unknown) => unknown): void;
  list(): readonly ConfigPiece[];
}

export function createConfigPieces(): ConfigPieces {
  let pieces: ConfigPiece[] = [];
  const dropped = new Set<Manifest>();
  /* The places of entries of maps, of which there may be two of one name. */
  let places: Map<string, number[]> | undefined;
  const keyOf = (path: readonly string[]) => path.join(" ");
  const note = (known: NonNullable<typeof places>, { in: place, path }: ConfigPiece, index: number) => {
    if (place === "list") return;
    const found = known.get(keyOf(path));
    if (found === undefined) known.set(keyOf(path), [index]);
    else found.push(index);
  };
  const add = (piece: ConfigPiece) => {
    if (dropped.has(piece.from)) return;
    if (places !== undefined) note(places, piece, pieces.length);
    pieces.push(piece);
  };
  return {
    of: (from) => ({
      set: (path, value, locate) => add({ path, value, in: "map", from, also: [], locate }),
      share: (path, value, also) => add({ path, value, in: "map", from, also, locate: undefined }),
      push: (path, value, locate) => add({ path, value, in: "list", from, also: [], locate }),
    }),
    drop(from) {
      dropped.add(from);
      pieces = pieces.filter((piece) => piece.from !== from);
      places = undefined;
    },
    edit(path, change) {
      const known = (places ??= new Map());
      if (known.size === 0) for (const [index, piece] of pieces.entries()) note(known, piece, index);
      for (const index of known.get(keyOf(path)) ?? []) {
        const piece = pieces[index];
        if (piece !== undefined) pieces[index] = { ...piece, value: change(piece.value) };
      }
    },
    list: () => pieces,
  };
}

/** A piece, and where it stands in the whole. */
export interface PlacedPiece {
  readonly path: ConfigPath;
  readonly piece: ConfigPiece;
}

export interface MergedConfig {
  readonly value: JsonMap;
  readonly placed: readonly PlacedPiece[];
  /** The same name twice, in two objects or in an object and the base. */
  readonly clashes: readonly { readonly piece: ConfigPiece; readonly remark: Remark }[];
}

/** Adds the pieces to a configuration as a file holds it; what that says stays as it is. */
export function mergePieces(base: JsonMap, pieces: readonly ConfigPiece[]): MergedConfig {
  const value: Record<string, unknown> = { ...base };
  const placed: PlacedPiece[] = [];
  const clashes: { piece: ConfigPiece; remark: Remark }[] = [];
  const owners = new Map<string, Manifest>();
  /* Maps and lists made here: those of the base are not written to. */
  const made = new Set<unknown>();
  for (const piece of pieces) {
    const { path, value: entry, in: place, from } = piece;
    const clash = (message: string) => clashes.push({ piece, remark: { path: [], message } });
    const holder = holderAt(value, place === "map" ? path.slice(0, -1) : path, place, made);
    const where = path.join(" ");
    if (holder === undefined) {
      clash(`${where}: the configuration file has something else there`);
    } else if (Array.isArray(holder)) {
      placed.push({ path: [...path, holder.length], piece });
      holder.push(entry);
    } else {
      const key = path.at(-1) ?? "";
      const owner = owners.get(where);
      if (Object.hasOwn(holder, key))
        clash(
          `${where} stands ${owner === undefined ? "in the configuration file" : `in ${owner.source.file}`} already`,
        );
      else {
        holder[key] = entry;
        owners.set(where, from);
        placed.push({ path, piece });
      }
    }
  }
  return { value, placed, clashes };
}

/* The map or list at a path, made where there is none and copied where it is the base's. */
function holderAt(
  root: Record<string, unknown>,
  path: readonly string[],
  place: ConfigPiece["in"],
  made: Set<unknown>,
): Record<string, unknown> | unknown[] | undefined {
  let holder = root;
  for (const [index, key] of path.entries()) {
    const last = index === path.length - 1;
    const found = Object.hasOwn(holder, key) ? holder[key] : undefined;
    if (last && place === "list") {
      if (found !== undefined && found !== null && !Array.isArray(found)) return undefined;
      const list: unknown[] = made.has(found) ? (found as unknown[]) : [...((found as unknown[] | undefined) ?? [])];
      made.add(list);
      holder[key] = list;
      return list;
    }
    if (found !== undefined && found !== null && !isMap(found)) return undefined;
    const map: Record<string, unknown> = made.has(found) ? (found as Record<string, unknown>) : { ...found };
    made.add(map);
    holder[key] = map;
    holder = map;
  }
  return holder;
}
