import type { Session } from "../api/session.ts";
import { ApiError, ask, connection } from "./api.ts";
import { createCell } from "./cell.ts";
import { forget } from "./resource.ts";

/** Who sits there; undefined until the gateway has said. */
export const who = createCell<Session | ApiError | undefined>(undefined);

export async function loadSession(): Promise<void> {
  try {
    take(await ask<Session>("/api/session"));
  } catch (thrown) {
    who.set(thrown instanceof ApiError ? thrown : new ApiError("broken", String(thrown)));
  }
}

/** Signs in with the operator's token. Throws ApiError. */
export async function signInWithToken(token: string): Promise<void> {
  take(await ask<Session>("/api/session", { body: { token } }));
}

export async function signOut(): Promise<void> {
  await ask("/api/session", { method: "DELETE" });
  await loadSession();
}

function take(session: Session): void {
  if (!session.signedIn) forget();
  connection.set("fine");
  who.set(session);
}

export const isOperator = (): boolean => {
  const session = who.get();
  return session !== undefined && "role" in session && session.role === "operator";
};
