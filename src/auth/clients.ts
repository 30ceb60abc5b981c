import type { ClientConfig } from "./config.ts";

export type Grant = ClientConfig["grants"][number];

export interface ClientRequest {
  /** Made up when left out. */
  readonly id?: string;
  readonly label: string;
  readonly grants: readonly Grant[];
  readonly redirectUris?: readonly string[];
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  readonly tenant?: string;
  /** A client without a secret, for programs that cannot keep one. */
  readonly public?: boolean;
}

export interface ClientInfo {
  readonly id: string;
  readonly label: string;
  readonly origin: "config" | "created" | "registered";
  readonly grants: readonly string[];
  readonly redirectUris: readonly string[];
  readonly createdAtMs: number | undefined;
}

export interface Clients {
  /** `secret` is shown this once; the store keeps its SHA-256. GatewayError("invalid_params") when the id is taken. */
  create(request: ClientRequest): Promise<{ readonly id: string; readonly secret: string | undefined }>;
  list(page?: { readonly limit?: number; readonly after?: string }): Promise<{ readonly clients: readonly ClientInfo[]; readonly next: string | undefined }>;
  /** Removes a created or registered client and revokes its tokens. */
  delete(id: string): Promise<boolean>;
}
