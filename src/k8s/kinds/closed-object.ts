import { z } from "zod";

/**
 * An object of somebody else's policy. A field that it does not have is refused also where an API server has taken it, and is not left
 * out as elsewhere: a policy that does less than it says is worse than none. `reason`: what is said of such a field.
 */
export function closedObject<T extends z.ZodRawShape>(shape: T, reason: string) {
  return z.looseObject(shape).superRefine((value, context) => {
    for (const key of Object.keys(value))
      if (!Object.hasOwn(shape, key))
        context.addIssue({ code: "custom", path: [key], message: `not supported: ${reason}` });
  });
}
