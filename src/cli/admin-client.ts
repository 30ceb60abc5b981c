import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { adminTokenFile } from "../gateway/admin-token.ts";

/** Calls the admin API of a gateway that runs on this machine. */
export interface AdminClient {
  /** The parsed answer; throws with the gateway's own message when it refuses. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** Where the gateway of this configuration listens, and the token beside its state. */
export function adminClientOf(configFile: string): AdminClient {
  const config = loadConfig(configFile);
  const { host, port } = config.listen.console;
  return createAdminClient(`http://${host}:${port}`, adminTokenFile(config));
}

/** The gateway that `npm start` runs. */
export function adminClientOfQuickstart(dataDir: string, port: number): AdminClient {
  return createAdminClient(`http://127.0.0.1:${port}`, join(dataDir, "admin-token"));
}

function createAdminClient(url: string, tokenFile: string): AdminClient {
  return {
    async call(method, path, body) {
      const headers = { authorization: `Bearer ${readToken(tokenFile)}`, "content-type": "application/json" };
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const response = await fetch(`${url}${path}`, init).catch((cause: unknown) => {
        throw new Error(`no gateway answers at ${url}: is it running?`, { cause });
      });
      if (response.status === 204) return undefined;
      const answer: unknown = await response.json();
      if (response.ok) return answer;
      throw new Error(messageOf(answer) ?? `the gateway answered ${response.status}`);
    },
  };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new Error(
      `cannot read the admin token in ${file}: it is made when the gateway first starts, for its own account`,
    );
  }
}

function messageOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  const { error } = answer;
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : undefined;
}
