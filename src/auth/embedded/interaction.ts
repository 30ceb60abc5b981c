import { createHmac, timingSafeEqual } from "node:crypto";
import express, { type Request, type Response, type Router } from "express";
import type { Provider } from "oidc-provider";
import { GatewayError } from "../../core/errors.ts";
import type { Accounts } from "../accounts.ts";
import type { ClientRegistry } from "../clients.ts";
import type { FailureLog } from "../failure-log.ts";
import { html, sendPage, type Html } from "./page.ts";

const PATH = "/oauth/interaction/:uid";

export interface InteractionOptions {
  readonly provider: () => Provider;
  readonly publicOrigin: string;
  readonly accounts: Accounts;
  readonly clients: ClientRegistry;
  /** Signs the forms; survives a restart so that a page left open still works. */
  readonly formKeys: () => readonly string[];
  readonly failed: FailureLog;
}

type Details = Awaited<ReturnType<Provider["interactionDetails"]>>;

/** What a form's redirects may end at: an origin, or the scheme of a program on the user's machine. */
function redirectTarget(details: Details): { readonly shown: string; readonly source: string | undefined; readonly local: boolean } {
  const url = URL.parse(String(details.params["redirect_uri"] ?? ""));
  if (url === null) return { shown: "", source: undefined, local: false };
  if (url.protocol !== "http:" && url.protocol !== "https:") return { shown: `${url.protocol}//`, source: url.protocol, local: true };
  return { shown: url.host, source: url.origin, local: ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname) };
}

/** Adds the sign-in and consent pages. */
export function addInteraction(router: Router, options: InteractionOptions): void {
  const { provider, publicOrigin, accounts, clients, formKeys, failed } = options;
  const sign = (key: string, details: Details): string => createHmac("sha256", key).update(`${details.jti}\n${details.prompt.name}`).digest("base64url");

  /* The interaction is found by its cookie; the form must hold that interaction's own signature and come from our own page. */
  function checkForm(request: Request, details: Details): void {
    const { origin, "sec-fetch-site": site } = request.headers;
    const given = Buffer.from(String((request.body as { csrf?: unknown } | undefined)?.csrf ?? ""));
    const valid = formKeys().some((key) => {
      const known = Buffer.from(sign(key, details));
      return known.length === given.length && timingSafeEqual(known, given);
    });
    if (!valid || (origin !== undefined && origin !== "null" && origin !== publicOrigin) || site === "cross-site") {
      throw new GatewayError("denied", "This form did not come from this site. Go back to the application and start again.");
    }
  }
  const csrf = (details: Details): Html => html`<input type="hidden" name="csrf" value="${sign(formKeys()[0] ?? "", details)}">`;

  async function clientName(details: Details): Promise<{ readonly name: string; readonly registered: boolean }> {
    const id = String(details.params["client_id"] ?? "");
    const record = await clients.find(id);
    const name = record?.metadata["client_name"];
    return { name: typeof name === "string" && name !== "" ? name : id, registered: record?.origin === "registered" };
  }

  async function login(response: Response, details: Details, problem?: { status: number; text: string }): Promise<void> {
    const { name } = await clientName(details);
    const fields =
      accounts.mode === "users"
        ? html`<label for="name">Name</label><input id="name" name="name" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>`
        : html`<label for="password">Operator passcode</label><input id="password" name="password" type="password" autocomplete="one-time-code" aria-describedby="hint" required autofocus>
<p id="hint">It was printed when the gateway started for the first time.</p>`;
    const alert = problem === undefined ? html`` : html`<p class="alert" role="alert">${problem.text}</p>`;
    const content = html`<p>To continue to <strong>${name}</strong>.</p>${alert}<form method="post" novalidate>${csrf(details)}${fields}<div class="actions"><button name="action" value="login">Sign in</button><button class="plain" name="action" value="cancel" formnovalidate>Cancel</button></div></form>`;
    sendPage(response, problem?.status ?? 200, "Sign in", content, redirectTarget(details).source);
  }

  const requested = (details: Details): readonly (readonly [string, readonly string[]])[] =>
    Object.entries((details.prompt.details["missingResourceScopes"] ?? {}) as Record<string, readonly string[]>);

  async function consent(response: Response, details: Details): Promise<void> {
    const { name, registered } = await clientName(details);
    const target = redirectTarget(details);
    const account = details.session?.accountId ?? "";
    const asked = requested(details);
    const resources = asked.length > 0 ? asked.map(([resource]) => resource) : [details.params["resource"] ?? []].flat().map(String);
    const scopes = [...new Set(asked.flatMap(([, list]) => list))].filter((scope) => accounts.find(account)?.scopes?.includes(scope) ?? true);
    const row = (term: string, value: Html): Html => html`<div><dt>${term}</dt><dd>${value}</dd></div>`;
    const list = scopes.length === 0 ? html`sign you in` : html`<ul>${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>`;
    const warning = target.local
      ? html`<p class="note">This application runs on your own machine. Continue only if you started it yourself just now.</p>`
      : registered
        ? html`<p class="note">This application registered itself; its name was not checked. Look at the address it sends you back to.</p>`
        : html``;
    const content = html`<p><strong>${name}</strong> asks to act for you, <strong>${account}</strong>.</p><dl>${row("Sends you back to", html`${target.shown}`)}${row("May use", html`${resources.join(", ")}`)}${row("With the scopes", list)}</dl>${warning}<form method="post">${csrf(details)}<div class="actions"><button name="action" value="allow">Allow</button><button class="plain" name="action" value="cancel">Deny</button></div></form>`;
    sendPage(response, 200, "Allow access?", content, target.source);
  }

  async function grant(details: Details): Promise<string> {
    const accountId = details.session?.accountId ?? "";
    const clientId = String(details.params["client_id"]);
    const { Grant } = provider();
    const found = (details.grantId === undefined ? undefined : await Grant.find(details.grantId)) ?? new Grant({ accountId, clientId });
    const missing = details.prompt.details["missingOIDCScope"] as readonly string[] | undefined;
    if (missing !== undefined) found.addOIDCScope(missing.join(" "));
    const limit = accounts.find(accountId)?.scopes;
    for (const [resource, list] of requested(details)) {
      const held = list.filter((scope) => limit?.includes(scope) ?? true);
      const rejected = list.filter((scope) => !held.includes(scope));
      if (held.length > 0) found.addResourceScope(resource, held.join(" "));
      if (rejected.length > 0) found.rejectResourceScope(resource, rejected.join(" "));
    }
    await clients.touch(clientId);
    return found.save();
  }

  const cancel = { error: "access_denied", error_description: "the user did not allow this" };

  async function submit(request: Request, response: Response, details: Details): Promise<void> {
    checkForm(request, details);
    const body = request.body as { action?: unknown; name?: unknown; password?: unknown };
    const finish = (result: Parameters<Provider["interactionFinished"]>[2], merge: boolean): Promise<void> =>
      provider().interactionFinished(request, response, result, { mergeWithLastSubmission: merge });
    if (body.action === "cancel") return finish(cancel, false);
    if (details.prompt.name === "consent") {
      if (body.action !== "allow") throw new GatewayError("invalid_request", "The form is incomplete.");
      return finish({ consent: { grantId: await grant(details) } }, true);
    }
    try {
      const account = await accounts.signIn(String(body.name ?? ""), String(body.password ?? ""));
      if (account !== undefined) return await finish({ login: { accountId: account.id } }, false);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== "rate_limited") throw error;
      response.set(error.headers);
      return login(response, details, { status: 429, text: error.message });
    }
    failed({ ip: request.ip, check: "sign-in" }, "sign-in failed");
    return login(response, details, { status: 403, text: accounts.mode === "users" ? "This name and password do not fit." : "This passcode is not right." });
  }

  const handle = async (request: Request, response: Response): Promise<void> => {
    try {
      const details = await provider().interactionDetails(request, response);
      if (details.uid !== request.params["uid"]) throw new GatewayError("not_found", "This page belongs to another request.");
      if (request.method === "POST") await submit(request, response, details);
      else if (details.prompt.name === "consent") await consent(response, details);
      else await login(response, details);
    } catch (error) {
      const expired = error instanceof Error && error.name === "SessionNotFound";
      const shown = expired ? new GatewayError("not_found", "This page has expired. Go back to the application and start again.") : GatewayError.from(error);
      if (shown.kind === "internal" || shown.kind === "state_unavailable") failed({ err: error }, "the sign-in page failed");
      sendPage(response, shown.spec.status, "This did not work", html`<p>${shown.message}</p>`);
    }
  };
  router.get(PATH, handle);
  router.post(PATH, express.urlencoded({ limit: "16kb", extended: false, parameterLimit: 10 }), handle);
}
