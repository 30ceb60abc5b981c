/** One link of a delegation chain, from the `act` claim (RFC 8693, section 4.1). */
export interface Actor {
  readonly issuer: string;
  readonly subject: string;
}

/** Who calls. Only the verifiers in `auth` build one. */
export interface Principal {
  /** `issuer` and `subject` together: two issuers may use one subject. */
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  /** OAuth client the caller uses; empty when the credential names none. */
  readonly client: string;
  /** As the credential says, or the configuration's `tenant` of it; empty where neither names one. What a call is counted for: `tenantOf`. */
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  /** Claims as they stood in the credential, read only. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Nearest actor first; empty when the subject acts for itself. */
  readonly actors: readonly Actor[];
  readonly credential: "token" | "key" | "anonymous";
  /** Milliseconds since the epoch; a stream ends when this passes. Undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Names the credential for revocation: a token's `jti` or a key's id. Never the credential itself. */
  readonly credentialId: string | undefined;
}
