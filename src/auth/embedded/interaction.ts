import { createHmac, timingSafeEqual } from "node:crypto";
import express, { type Request, type Response, type Router } from "express";
import type { Provider } from "oidc-provider";
import { GatewayError } from "../../core/errors.ts";
import type { Accounts } from "../accounts.ts";
import type { ClientRegistry } from "../clients.ts";
import type { FailureLog } from "../failure-log.ts";
import { html, sendPage } from "./page.ts";
import { consentPage, loginPage } from "./pages.ts";

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

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Where the browser goes in the end: as shown to the user, and as a source for form-action. */
function redirectTarget(details: Details) {
  const url = URL.parse(text(details.params["redirect_uri"]));
  if (url === null) return { shown: "", source: undefined, local: false };
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return { shown: `${url.protocol}//`, source: url.protocol, local: true };
  return {
    shown: url.host,
    source: url.origin,
    local: ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname),
  };
}

/** Resource → scopes that are asked for and not granted yet. */
const requested = (details: Details): readonly (readonly [string, readonly string[]])[] =>
  Object.entries((details.prompt.details["missingResourceScopes"] ?? {}) as Record<string, readonly string[]>);

async function clientOf(clients: ClientRegistry, details: Details): Promise<{ name: string; registered: boolean }> {
  const id = text(details.params["client_id"]);
  const record = await clients.find(id);
  const name = text(record?.metadata["client_name"]);
  return { name: name === "" ? id : name, registered: record?.origin === "registered" };
}

/* The interaction is found by its cookie; the form must hold that interaction's own signature and come from our own page. */
function createForms({ formKeys, publicOrigin }: Pick<InteractionOptions, "formKeys" | "publicOrigin">) {
  const sign = (key: string, details: Details): string =>
    createHmac("sha256", key).update(`${details.jti}\n${details.prompt.name}`).digest("base64url");
  return {
    csrf: (details: Details): string => sign(formKeys()[0] ?? "", details),
    check(request: Request, details: Details): void {
      const { origin, "sec-fetch-site": site } = request.headers;
      const given = Buffer.from(text((request.body as { csrf?: unknown } | undefined)?.csrf));
      const valid = formKeys().some((key) => {
        const known = Buffer.from(sign(key, details));
        return known.length === given.length && timingSafeEqual(known, given);
      });
      const foreign = (origin !== undefined && origin !== publicOrigin) || site === "cross-site";
      if (!valid || foreign)
        throw new GatewayError(
          "denied",
          "This form did not come from this site. Go back to the application and start again.",
        );
    },
  };
}

/** Adds the sign-in and consent pages. */
export function addInteraction(router: Router, options: InteractionOptions): void {
  const { provider, accounts, clients, failed } = options;
  const forms = createForms(options);

  async function login(response: Response, details: Details, status = 200, problem?: string): Promise<void> {
    const { name } = await clientOf(clients, details);
    const page = loginPage({ client: name, mode: accounts.mode, csrf: forms.csrf(details), problem });
    sendPage(response, status, "Sign in", page, redirectTarget(details).source);
  }

  async function consent(response: Response, details: Details): Promise<void> {
    const { name, registered } = await clientOf(clients, details);
    const target = redirectTarget(details);
    const account = details.session?.accountId ?? "";
    const limit = accounts.find(account)?.scopes;
    const asked = requested(details);
    const page = consentPage({
      client: name,
      account,
      redirect: target.shown,
      resources: asked.length > 0 ? asked.map(([resource]) => resource) : [details.params["resource"]].flat().map(text),
      scopes: [...new Set(asked.flatMap(([, list]) => list))].filter((scope) => limit?.includes(scope) ?? true),
      caution: target.local ? "local" : registered ? "registered" : undefined,
      csrf: forms.csrf(details),
    });
    sendPage(response, 200, "Allow access?", page, target.source);
  }

  /** Writes down what the user allowed, without the scopes that are not theirs to give; the grant's id. */
  async function grant(details: Details): Promise<string> {
    const accountId = details.session?.accountId ?? "";
    const clientId = text(details.params["client_id"]);
    const { Grant } = provider();
    const known = details.grantId === undefined ? undefined : await Grant.find(details.grantId);
    const found = known ?? new Grant({ accountId, clientId });
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

  async function submit(request: Request, response: Response, details: Details): Promise<void> {
    forms.check(request, details);
    const body = request.body as Record<string, unknown>;
    const finish = (result: Parameters<Provider["interactionFinished"]>[2], merge: boolean): Promise<void> =>
      provider().interactionFinished(request, response, result, { mergeWithLastSubmission: merge });
    const action = text(body["action"]);
    if (action === "cancel") {
      return finish({ error: "access_denied", error_description: "the user did not allow this" }, false);
    }
    if (details.prompt.name === "consent") {
      if (action !== "allow") throw new GatewayError("invalid_request", "The form is incomplete.");
      return finish({ consent: { grantId: await grant(details) } }, true);
    }
    try {
      const account = await accounts.signIn(text(body["name"]), text(body["password"]));
      if (account !== undefined) return await finish({ login: { accountId: account.id } }, false);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== "rate_limited") throw error;
      response.set(error.headers);
      return login(response, details, 429, error.message);
    }
    failed({ ip: request.ip, check: "sign-in" }, "sign-in failed");
    const problem = accounts.mode === "users" ? "This name and password do not fit." : "This passcode is not right.";
    return login(response, details, 403, problem);
  }

  async function handle(request: Request, response: Response): Promise<void> {
    try {
      const details = await provider().interactionDetails(request, response);
      if (details.uid !== request.params["uid"])
        throw new GatewayError("not_found", "This page belongs to another request.");
      if (request.method === "POST") await submit(request, response, details);
      else if (details.prompt.name === "consent") await consent(response, details);
      else await login(response, details);
    } catch (error) {
      const expired = error instanceof Error && error.name === "SessionNotFound";
      const shown = expired
        ? new GatewayError("not_found", "This page has expired. Go back to the application and start again.")
        : GatewayError.from(error);
      if (shown.spec.source !== "client") failed({ error }, "the sign-in page failed");
      sendPage(response, shown.spec.status, "This did not work", html`<p>${shown.message}</p>`);
    }
  }

  const form = express.urlencoded({ limit: "16kb", extended: false, parameterLimit: 10 });
  router.get(PATH, (request, response) => void handle(request, response));
  router.post(PATH, form, (request, response) => void handle(request, response));
}
