import type { AnyPolicy } from "./define-policy.ts";

/** Every kind of policy. */
export const policies: readonly AnyPolicy[] = [];
