import { variants } from "../core/extension.ts";
import { guarded, guardedProtocols } from "./guarded-protocols.ts";
import { maxLength } from "./max-length.ts";
import { pattern } from "./pattern.ts";
import { pii } from "./pii/pii.ts";
import { webhook } from "./webhook.ts";
import { where } from "./where.ts";
import { status } from "./with-status.ts";

/** Every type of guard. */
export const guards = [maxLength, pattern, pii, webhook] as const;

/** One entry of `guardrails:` in the configuration. */
export const guardSchema = variants(guards, {
  on: guardedProtocols(guarded, "; all when absent, `pii` models alone"),
  where,
  status,
});
