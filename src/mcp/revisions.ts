/* The two eras: sessions with a handshake up to 2025-11-25, stateless requests with an envelope from 2026-07-28 on. */

export type Era = "legacy" | "modern";

export const MODERN = "2026-07-28";
export const LEGACY_LATEST = "2025-11-25";
const LEGACY: readonly string[] = [LEGACY_LATEST, "2025-06-18", "2025-03-26", "2024-11-05"];

/** Only these sessions may send arrays (2025-03-26, basic, "Batching"; removed in 2025-06-18). */
export const BATCHING = "2025-03-26";

export const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
export const CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities";
export const CLIENT_KEY = "io.modelcontextprotocol/clientInfo";
export const LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel";
export const SERVER_KEY = "io.modelcontextprotocol/serverInfo";
export const SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId";
export const ENVELOPE_PREFIX = "io.modelcontextprotocol/";

export const isLegacyVersion = (version: string): boolean => LEGACY.includes(version);

/** The version the gateway answers `initialize` with: the one asked for where it is known (2025-11-25, lifecycle). */
export const negotiate = (requested: unknown): string =>
  typeof requested === "string" && isLegacyVersion(requested) ? requested : LEGACY_LATEST;

/** All versions served, newest first. */
export const served: readonly string[] = [MODERN, ...LEGACY];
