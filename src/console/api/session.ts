/*
 * What the console's server tells its pages: every address, what is asked and what is answered, here and in the files beside this one. Types alone, and
 * none of Node's, so that a module of the browser may import them. Times are milliseconds since the epoch, durations milliseconds, money whole nano-dollars
 * (1e-9 US dollars), shares 0 to 1.
 *
 *   GET    /api/session                        Session
 *   POST   /api/session {"token": TOKEN}       Session: signs in with the operator's admin token; 401 where it is another
 *   DELETE /api/session                        204: signs out
 *   GET    /signin?to=/chains/ID               leads to the sign-in page of the authorization server, and back to `to`
 *   GET    /api/overview?window=1h             Overview
 *   GET    /api/chains?sort=&q=&outcome=&limit=&after=   ChainList; also only=calls, rule=, budget=, error=, from=, to=, and charged=&under=&key=
 *   GET    /api/chains/ID                      Chain: by its own id or that of one of its requests; 404
 *   GET    /api/operations/ID?chain=CHAINID    ExplainedOperation: by the id of the operation; 404. Without its chain the newest 20,000 are looked through
 *   GET    /api/policies                       Policies
 *   POST   /api/policies/try  TriedRule        RuleTrial: changes nothing, and a viewer may
 *   GET    /api/models                         Models
 *   GET    /api/connect                        Connect
 *   GET    /api/live                           an event stream: `tick` with a Tick each second, `end` with an End before the server closes it
 *   PUT    /api/endpoints/NAME/drain           204, and DELETE takes it back: operators
 *   POST   /api/cache/flush {tenant?, model?}  {"flushed": N}: operators
 *   GET    /api/keys?limit=&after=             KeyList
 *   POST   /api/keys  KeyRequest               IssuedKey: operators; the key is shown this once
 *   DELETE /api/keys/ID                        204: operators
 *   GET    /api/status, /api/spend, /api/cache, /api/clients, /api/journal   as docs/operations.md has them
 *
 * What fails answers with its status and a Problem. 401: not signed in, or no longer; 403: the role may not, or the header is missing;
 * 429 and 503 say with `retry-after` when to come back. Whatever is not a GET must carry the header `x-sallyport-console: 1`.
 */

/** Every failure. `message` is a sentence for people. */
export interface Problem {
  readonly error: { readonly type: string; readonly message: string };
}

/** A viewer reads; an operator also drains, flushes, and makes and revokes keys. */
export type Role = "viewer" | "operator";

/** Who sits there, and how to sign in where nobody does. */
export type Session =
  | {
      readonly signedIn: false;
      /** Whether `/signin` leads to a sign-in page; without it there is the operator's token alone. */
      readonly oauth: boolean;
      /** Where the operator's token lies, in words. */
      readonly tokenHint: string;
    }
  | {
      readonly signedIn: true;
      /** The subject, such as `operator`. */
      readonly name: string;
      readonly role: Role;
      readonly endsAtMs: number;
      readonly by: "oauth" | "token";
    };

/** Why `/signin` led back to `/?signin=…` and nobody is signed in. */
export type SignInProblem =
  /** It took too long, or was begun in another browser. */
  | "expired"
  /** The person cancelled, or the authorization server refused. */
  | "refused"
  /** Known, and without a role here. */
  | "no-role"
  /** This address is none that the authorization server leads back to: `console.url` names it. */
  | "address"
  | "failed";

export interface KeyList {
  readonly keys: readonly {
    readonly id: string;
    readonly name: string;
    readonly tenant?: string;
    readonly scopes?: readonly string[];
    readonly groups?: readonly string[];
    readonly createdAtMs: number;
    readonly expiresAtMs?: number;
  }[];
  readonly next?: string;
}

export interface KeyRequest {
  readonly name: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  /** Such as `30d`. */
  readonly expires?: string;
}

export interface IssuedKey {
  readonly id: string;
  readonly key: string;
}
