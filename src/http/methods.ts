import { METHODS } from "node:http";

/** Methods of the gateway's own paths. */
export const usualMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Every method that can be passed on. CONNECT asks for a proxy, and TRACE would show what proxies between have added. */
export const anyMethod: readonly string[] = METHODS.filter((method) => method !== "CONNECT" && method !== "TRACE");
