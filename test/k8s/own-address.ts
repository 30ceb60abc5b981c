import { networkInterfaces } from "node:os";

/** An address of this machine on a network: at loopback addresses the pods of no tenant are asked. */
export function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === "IPv4" && !one.internal);
  if (found === undefined) throw new Error("this machine has no IPv4 address on a network, and the test needs one");
  return found.address;
}
