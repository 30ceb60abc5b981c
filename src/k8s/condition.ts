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
