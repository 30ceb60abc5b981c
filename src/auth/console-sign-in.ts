import type { Principal } from "../core/principal.ts";

/** How the console signs people in. */
export interface ConsoleSignIn {
  /** Whose sign-in page it is. */
  readonly issuer: string;
  /** Where that leads back to, for a console that is reached at this origin; undefined: it leads nowhere there. */
  callbackAt(origin: string): string | undefined;
  /** Where to send the browser. A password is asked for each time, where the issuer heeds that: nobody is signed in without knowing. */
  authorizeUrl(request: SignInRequest): Promise<string>;
  /** Throws GatewayError("denied") for a code that is not good, or was made for another sign-in. */
  redeem(request: {
    readonly code: string;
    readonly redirectUri: string;
    readonly nonce: string;
    readonly verifier: string;
  }): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  /** Who a token of `redeem` stands for; undefined once it is no longer good. */
  identify(token: string): Promise<Principal | undefined>;
  /** The token stops working, as far as that is the gateway's to say. */
  end(token: string): Promise<void>;
}

export interface SignInRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** S256 of the verifier (RFC 7636). */
  readonly challenge: string;
}

/* What leads back to a program on this machine: at any port (RFC 8252, section 7.3). */
export const loopbackHosts = ["127.0.0.1", "localhost", "[::1]"];
export const CALLBACK = "/signin/callback";

/** `origin`: where the console is reached from other machines, beside this one's own addresses. */
export function callbackAt(from: string, origin: string | undefined): string | undefined {
  const url = URL.parse(from);
  const known = from === origin || (url?.protocol === "http:" && loopbackHosts.includes(url.hostname));
  return known ? from + CALLBACK : undefined;
}
