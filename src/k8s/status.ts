/** What the status of an object has to be, as far as it is this gateway's to say: other controllers' entries are not in it. */
export interface ObjectStatus {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for kinds of the whole cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly generation: number | undefined;
  readonly status: Readonly<Record<string, unknown>>;
}
