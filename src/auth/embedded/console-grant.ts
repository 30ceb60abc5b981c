import { type Configuration, interactionPolicy } from "oidc-provider";
import { ADMIN_RESOURCE, ADMIN_SCOPE, CONSOLE_CLIENT } from "./console-client.ts";

/** What a user has allowed a client. The console is the gateway's own: to sign in to it is to consent. */
export const loadGrant: NonNullable<Configuration["loadExistingGrant"]> = async ({ oidc }) => {
  const { result, session, client, provider } = oidc;
  if (client?.clientId === CONSOLE_CLIENT && session?.accountId !== undefined) {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: CONSOLE_CLIENT });
    grant.addOIDCScope("openid");
    grant.addResourceScope(ADMIN_RESOURCE, ADMIN_SCOPE);
    await grant.save();
    return grant;
  }
  const id = result?.consent?.grantId ?? (client === undefined ? undefined : session?.grantIdFor(client.clientId));
  return id === undefined ? undefined : provider.Grant.find(id);
};

/** Programs on the user's machine ask each time, but not the console: whoever catches its code cannot redeem it without its secret. */
export function promptPolicy(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const native = policy.get("consent")?.checks.get("native_client_prompt");
  if (native === undefined) throw new Error("the provider has no prompt for native clients");
  const { check } = native;
  native.check = (context) =>
    context.oidc.client?.clientId === CONSOLE_CLIENT ? interactionPolicy.Check.NO_NEED_TO_PROMPT : check(context);
  return policy;
}
