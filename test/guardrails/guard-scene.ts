import { z } from "zod";
import { LightAbortSignal } from "../../src/core/abort.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation, Protocol } from "../../src/core/operation.ts";
import type { TextRole, TextSlot } from "../../src/core/text.ts";
import { guardrailsConfig } from "../../src/guardrails/config.ts";
import { Breaker } from "../../src/gateway/breaker.ts";
import type { GuardDeps } from "../../src/guardrails/guard.ts";
import { createGuardrails, type Guardrails, type OpenGuardRequest } from "../../src/guardrails/guardrails.ts";
import { createStoredSecrets } from "../../src/state/stored-secrets.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { createMemoryStore } from "../../src/state/memory.ts";

export const guardrailsSchema = z.strictObject(guardrailsConfig);

/** What guards are built with, and what lets go of it. */
export function createDeps(): GuardDeps & { close(): Promise<void> } {
  const store = createMemoryStore({ clock: systemClock, log: silentLog });
  const upstream = createUpstream({ egress: { allow: [], connections: 8, connectTimeout: 2_000 } });
  return {
    upstream,
    breaker: () => new Breaker(systemClock, Math.random, () => {}),
    clock: systemClock,
    log: silentLog,
    secret: createStoredSecrets(store),
    async close() {
      await upstream.close();
      await store.close();
    },
  };
}

export const buildGuardrails = (entries: unknown, deps: GuardDeps): Guardrails =>
  createGuardrails(guardrailsSchema.parse({ guardrails: entries }).guardrails, deps);

const operationOf = (protocol: Protocol): Operation => ({
  protocol,
  method: "test",
  direction: "to-target",
  mode: "call",
  target: { kind: "none", name: "", server: "" },
  judged: true,
  variables: {},
});

export const slotOf = (text: string, role: TextRole = "user", index = 0): TextSlot => ({
  path: ["texts", index],
  role,
  text,
  channel: `text ${index}`,
});

/** A request of ada's with these texts, or slots. */
export function requestOf(protocol: Protocol, ...texts: readonly (string | TextSlot)[]): OpenGuardRequest {
  return {
    operation: operationOf(protocol),
    principal: {
      id: "https://issuer.example ada",
      issuer: "https://issuer.example",
      subject: "ada",
      client: "",
      tenant: "",
      scopes: [],
      groups: [],
      claims: {},
      actors: [],
      credential: "token",
      expiresAtMs: undefined,
      credentialId: undefined,
    },
    chain: {
      id: "1".repeat(32),
      depth: 0,
      alone: true,
      root: "https://issuer.example ada",
      path: [],
      spent: 0,
      tainted: false,
    },
    request: {
      method: "POST",
      path: "/",
      query: "",
      headers: {},
      host: "localhost",
      scheme: "http",
      ip: "127.0.0.1",
      connection: {},
      receivedAtMs: 0,
    },
    route: { path: "/v1" },
    slots: texts.map((text, index) => (typeof text === "string" ? slotOf(text, "user", index) : text)),
    signal: new LightAbortSignal(),
  };
}
