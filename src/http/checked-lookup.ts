import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { GatewayError } from "../core/errors.ts";

export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const systemResolve: Resolve = (hostname, callback) =>
  systemLookup(hostname, { all: true, order: "verbatim" }, callback);

export const deniedAddress = (why: string) =>
  new GatewayError("denied", `The gateway may not call this address: ${why}.`);

/** For a socket: resolves, checks every address, and gives only what was checked, so that the answer cannot change before the connect. */
export function checkedLookup(
  passes: (address: string) => boolean,
  why: string,
  resolve: Resolve = systemResolve,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) return callback(error, []);
      // One bad address condemns the name: a rebinding answer mixes a public address with a private one.
      const bad = addresses.length === 0 || addresses.some(({ address }) => !passes(address));
      if (bad) return callback(deniedAddress(why), []);
      const first = addresses[0];
      if (options.all === true || first === undefined) return callback(null, [...addresses]);
      callback(null, first.address, first.family);
    });
  };
}
