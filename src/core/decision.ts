/** What a rule in `mode: shadow` would have done. It decided nothing. */
export interface ShadowOutcome {
  readonly rule: string;
  readonly would: "allow" | "deny";
}

/** What policy says of one operation. Denials are values; only the step that enforces one throws. */
export type Decision =
  | {
      readonly allow: true;
      readonly rule: string;
      /** For the journal; absent when no shadow rule would have acted. */
      readonly shadow?: readonly ShadowOutcome[];
    }
  | {
      readonly allow: false;
      /** The rule that decided, or `default` when none allowed. */
      readonly rule: string;
      /** For the journal and `explain`; never shown to the caller. */
      readonly reason: string;
      /** Scopes that would turn this denial around: an OAuth step-up challenge. */
      readonly scopes?: readonly string[];
      /** What the rule's author wrote for the caller: safe to show. */
      readonly message?: string;
      readonly shadow?: readonly ShadowOutcome[];
    };

export const allow = (rule: string): Decision => ({ allow: true, rule });
export const deny = (rule: string, reason: string, scopes?: readonly string[]): Decision =>
  scopes === undefined ? { allow: false, rule, reason } : { allow: false, rule, reason, scopes };
