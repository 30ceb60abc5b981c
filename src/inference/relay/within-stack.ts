import type { GatewayError } from "../../core/errors.ts";

/**
 * Carries something over from one dialect to the other. Of JSON that stands as text inside of JSON, such as a call's arguments, nobody
 * has bounded the depth, and reading and writing it go down it on the stack: where that ends, `tooDeep` is thrown.
 */
export function withinStack<T>(carry: () => T, tooDeep: () => GatewayError): T {
  try {
    return carry();
  } catch (thrown) {
    if (thrown instanceof RangeError) throw tooDeep();
    throw thrown;
  }
}
