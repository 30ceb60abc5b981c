import type { Problem } from "../api/session.ts";
import { createCell } from "./cell.ts";

/** What can go wrong with a question to the gateway, told apart by what the reader can do about it. */
export type FailureKind = "signed-out" | "forbidden" | "unreachable" | "not-found" | "refused" | "broken";

export class ApiError extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Whether the last question was answered, was refused for want of a session, or reached nobody. */
export const connection = createCell<"fine" | "signed-out" | "unreachable">("fine");

interface Question {
  readonly body?: unknown;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly signal?: AbortSignal;
}

/* Above what a search of the whole journal takes. */
const PATIENCE_MS = 30_000;

/** Asks the gateway's admin API. Throws ApiError. */
export async function ask<T>(path: string, { body, method, signal }: Question = {}): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        accept: "application/json",
        // No form and no other site can send it: what changes something comes from these pages.
        "x-sallyport-console": "1",
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    connection.set("unreachable");
    throw new ApiError("unreachable", "The gateway does not answer.");
  }
  if (response.status === 401) {
    connection.set("signed-out");
    throw new ApiError("signed-out", "Your session has ended.");
  }
  connection.set("fine");
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  throw new ApiError(kindOf(response.status), await messageOf(response));
}

function kindOf(status: number): FailureKind {
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  return status < 500 ? "refused" : "broken";
}

/** What the gateway said of an answer that is a failure. */
export async function messageOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined;
  return body?.error?.message ?? `The gateway answered with ${response.status}.`;
}
