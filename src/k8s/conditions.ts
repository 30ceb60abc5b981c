/** A condition as the Gateway API writes it; who stores it adds the time of its last transition. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** What is the matter with something, if anything. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
}

/** A condition that is True with its type for a reason, or False for a fault. */
export function toCondition(
  type: string,
  fault: Fault | undefined,
  { generation }: { readonly generation?: number },
  good: Fault = { reason: type, message: "" },
): Condition {
  const { reason, message } = fault ?? good;
  return {
    type,
    status: fault === undefined ? "True" : "False",
    reason,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}
