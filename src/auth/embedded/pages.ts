import { html, type Html } from "./page.ts";

export interface LoginView {
  readonly client: string;
  readonly mode: "users" | "passcode";
  readonly csrf: string;
  readonly problem: string | undefined;
}

export interface ConsentView {
  readonly client: string;
  readonly account: string;
  /** The host, or the scheme of a program, that the browser goes back to. */
  readonly redirect: string;
  readonly resources: readonly string[];
  readonly scopes: readonly string[];
  /** Whether a program on the user's own machine, or a client whose name nobody checked, asks. */
  readonly caution: "local" | "registered" | undefined;
  readonly csrf: string;
}

const token = (csrf: string): Html => html`<input type="hidden" name="csrf" value="${csrf}" />`;

const buttons = (action: string, label: string, refuse: string): Html =>
  html`<div class="actions">
    <button name="action" value="${action}">${label}</button>
    <button class="plain" name="action" value="cancel" formnovalidate>${refuse}</button>
  </div>`;

const userFields = html`<label for="name">Name</label>
  <input id="name" name="name" autocomplete="username" required autofocus />
  <label for="password">Password</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required />`;

const passcodeField = html`<label for="password">Operator passcode</label>
  <input id="password" name="password" type="password" autocomplete="off" aria-describedby="hint" required autofocus />
  <p id="hint">The gateway printed it when it started.</p>`;

export function loginPage({ client, mode, csrf, problem }: LoginView): Html {
  return html`<p>To continue to <strong>${client}</strong>.</p>
    ${problem === undefined ? html`` : html`<p class="alert" role="alert">${problem}</p>`}
    <form method="post" novalidate>
      ${token(csrf)}${mode === "users" ? userFields : passcodeField} ${buttons("login", "Sign in", "Cancel")}
    </form>`;
}

const cautions = {
  local: "This application runs on your own machine. Continue only if you started it yourself just now.",
  registered:
    "This application registered itself and nobody checked its name. Look at the address it sends you back to.",
} as const;

const row = (term: string, value: Html): Html =>
  html`<div>
    <dt>${term}</dt>
    <dd>${value}</dd>
  </div>`;

export function consentPage({ client, account, redirect, resources, scopes, caution, csrf }: ConsentView): Html {
  const list =
    scopes.length === 0
      ? html`None: it only learns who you are.`
      : html`<ul>
          ${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}
        </ul>`;
  return html`<p><strong>${client}</strong> asks to act for you, <strong>${account}</strong>.</p>
    <dl>
      ${row("Sends you back to", html`${redirect}`)}${row("May use", html`${resources.join(", ")}`)}${row("With the scopes", list)}
    </dl>
    ${caution === undefined ? html`` : html`<p class="note">${cautions[caution]}</p>`}
    <form method="post">${token(csrf)}${buttons("allow", "Allow", "Deny")}</form>`;
}
