import type { OperationContext } from "./step.ts";

/** A whole answer through the steps that look at answers: the bytes to send. `value` is read only where some step looks. */
export async function passWhole(context: OperationContext, bytes: Buffer, value: () => unknown): Promise<Buffer> {
  if (context.answer === undefined) return bytes;
  const [only] = await context.answer({ value: value(), bytes, last: true });
  return only?.bytes ?? bytes;
}
