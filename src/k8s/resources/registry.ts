import type { AnyResource } from "./define-resource.ts";

/** Every kind that is configuration by itself. */
export const resources: readonly AnyResource[] = [];
