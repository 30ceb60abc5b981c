/** An answer of kind Status, as the server gives it for everything that goes wrong. */
export class ApiFailure extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus() {
    const { code, reason, message, details } = this;
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
  }
}

export const expired = (message = "The resourceVersion for the provided watch is too old.") =>
  new ApiFailure(410, "Expired", message);
export const notFound = (plural: string, name: string) =>
  new ApiFailure(404, "NotFound", `${plural} "${name}" not found`, { name, kind: plural });
export const invalid = (what: string, message: string) =>
  new ApiFailure(422, "Invalid", `${what} is invalid: ${message}`);
export const conflict = (plural: string, name: string) =>
  new ApiFailure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );
