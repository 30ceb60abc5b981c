import { isMap } from "../manifest.ts";

/** What an API server said when it did not do what it was asked (API conventions, "Response Status Kind"). The message may be logged. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** A word of the server's, such as `Expired`; empty where it gave none. */
  readonly reason: string;
  /** How long it asks to be left alone. */
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly string[];

  constructor(
    status: number,
    { reason = "", message = "", retryAfterMs, causes = [] }: Partial<Omit<ApiError, "status" | "name">> = {},
  ) {
    super(message === "" ? `the API server answered ${status}` : message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.causes = causes;
  }

  /** The version asked for is no longer known, or not yet: only a new list helps. */
  get isExpired(): boolean {
    return (
      this.status === 410 ||
      this.reason === "Expired" ||
      this.reason === "Gone" ||
      this.causes.includes("ResourceVersionTooLarge")
    );
  }
}

const MESSAGE_LETTERS = 500;
const LONGEST_WAIT_S = 60;

/** Reads an object of kind Status, or whatever came in its place. */
export function toApiError(status: number, body: unknown, retryAfter?: string): ApiError {
  const said = isMap(body) ? body : {};
  const { reason, message, code, details } = said;
  const causes = isMap(details) && Array.isArray(details["causes"]) ? (details["causes"] as unknown[]) : [];
  const seconds = Number(retryAfter ?? (isMap(details) ? details["retryAfterSeconds"] : undefined));
  return new ApiError(typeof code === "number" ? code : status, {
    ...(typeof reason === "string" && { reason }),
    ...(typeof message === "string" && { message: message.slice(0, MESSAGE_LETTERS) }),
    ...(seconds > 0 && { retryAfterMs: Math.min(seconds, LONGEST_WAIT_S) * 1_000 }),
    causes: causes.flatMap((cause) => (isMap(cause) && typeof cause["reason"] === "string" ? [cause["reason"]] : [])),
  });
}

/** Why something failed, for the log: what undici or the system said is in the causes. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  let at: unknown = error;
  for (let depth = 0; depth < 4 && at instanceof Error; depth++, at = at.cause)
    if (at.message !== "" && !words.includes(at.message)) words.push(at.message);
  return words.length === 0 ? String(error) : words.join(" ").slice(0, MESSAGE_LETTERS);
}
