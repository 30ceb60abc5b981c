import { z } from "zod";

/** The name of an entry of the configuration: of an object's it is NAMESPACE/NAME, and for some a part of it after that. */
export const configName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,639}$/, "a name of letters, digits and . _ : / -, at most 640 long");
