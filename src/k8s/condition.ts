/** A condition as its object's status has it; who writes it adds the time of its last change. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** Makes the conditions of one object: each says which generation of it they are about. */
export function conditionsOf(generation: number | undefined) {
  return (type: string, status: Condition["status"], reason: string, message = ""): Condition => ({
    type,
    status,
    reason,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
  });
}

/** What is the matter with something. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
}

/** A condition that is False for a fault, and True without one: with its type for a reason, unless `good` says another. */
export function toCondition(
  type: string,
  fault: Fault | undefined,
  { generation }: { readonly generation?: number },
  good: Fault = { reason: type, message: "" },
): Condition {
  const { reason, message } = fault ?? good;
  return conditionsOf(generation)(type, fault === undefined ? "True" : "False", reason, message);
}

/** The status of an object of our own kinds that cannot be read. */
export const invalidStatus = (generation: number | undefined, reason: string) => ({
  ...(generation !== undefined && { observedGeneration: generation }),
  conditions: [conditionsOf(generation)("Accepted", "False", "Invalid", reason)],
});
