export interface ApiKeyRequest {
  readonly name: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  /** Milliseconds since the epoch; undefined: never. */
  readonly expiresAtMs?: number;
}

export interface ApiKeyInfo extends ApiKeyRequest {
  readonly id: string;
  readonly createdAtMs: number;
}

export interface ApiKeys {
  /** `key` is shown this once; the store keeps its SHA-256. */
  issue(request: ApiKeyRequest): Promise<{ readonly id: string; readonly key: string }>;
  list(page?: { readonly limit?: number; readonly after?: string }): Promise<{ readonly keys: readonly ApiKeyInfo[]; readonly next: string | undefined }>;
  /** Whether a key went away; every replica refuses it within 60 s, and at once where the store's messages arrive. */
  revoke(id: string): Promise<boolean>;
}
