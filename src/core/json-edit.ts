/** Keys and indexes from the top of a document. */
export type JsonPath = readonly (string | number)[];

/** A change of one value in a JSON document, made in its bytes: everything else stays as it was written. */
export interface JsonEdit {
  readonly path: JsonPath;
  /** The new value as JSON text. Undefined takes the member or element away. */
  readonly json: string | Buffer | undefined;
}
