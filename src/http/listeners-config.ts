import { configName } from "../core/config-name.ts";
import { isIP } from "node:net";
import { z } from "zod";
import { secret } from "../core/units.ts";
import { parseHost } from "./host.ts";

const hostname = z.string().refine((text) => {
  const bare = text.replace(/^\*\./, "");
  const host = parseHost(bare);
  return host?.name === bare && isIP(bare) === 0;
}, "a host in lower case without a port, such as shop.example.com or *.example.com");

const certificate = z.strictObject({
  cert: z
    .string()
    .min(1)
    .meta({
      description: "PEM of the certificate and its chain, or the file with it, which is read again when it changes.",
      examples: ["${file:/run/secrets/shop/tls.crt}"],
    }),
  key: secret().meta({
    description: "PEM of the private key, or the file with it, as `cert`.",
    examples: ["${file:/run/secrets/shop/tls.key}"],
  }),
});

const listener = z.strictObject({
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .meta({ description: "That of `listen` when absent, and shared with it; 0 takes a free one.", examples: [8443] }),
  address: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: "The address to bind; that of `listen` when absent.", examples: ["0.0.0.0"] }),
  hostname: hostname.optional().meta({
    description:
      "The host it is for; `*.` stands for one or more labels. Absent: every host that no other listener of its port is for.",
    examples: ["*.example.com"],
  }),
  publicPort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "The port as callers see it, for redirects; `port` when absent.", examples: [443] }),
  tls: z
    .strictObject({
      certificates: z
        .array(certificate)
        .min(1)
        .max(64)
        .meta({ description: "The one that names the host is shown, and the first where none does." }),
    })
    .optional()
    .meta({ description: "Serves https, TLS 1.2 or newer; absent: plain http." }),
  own: z
    .boolean()
    .default(false)
    .meta({
      description: "Whether the paths of the gateway itself (`/mcp`, `/a2a`, `/v1`, …) are served there too.",
      examples: [true],
    }),
});

/** The name of what `listen` says. */
export const MAIN = "main";

const listenerName = configName.refine((name) => name !== MAIN, "another name: `main` is the listener of `listen`");

export const listenersConfig = {
  listeners: z
    .record(listenerName, listener)
    .default({})
    .meta({
      description: "Where routes are served beside `listen`, by name; a reload adds, changes and removes them.",
      examples: [{ shop: { hostname: "shop.example.com" } }],
    }),
};

export type ListenerConfig = z.output<typeof listener>;
export type ListenersConfig = Readonly<Record<string, ListenerConfig>>;
export type CertificateConfig = z.output<typeof certificate>;

/** Names what listeners with one port have in common: `main` for the port of `listen`. A free one is each listener's own. */
export function doorOf(name: string, { port }: ListenerConfig, listen: { readonly port: number }): string {
  if (port === undefined || (port !== 0 && port === listen.port)) return MAIN;
  return port === 0 ? `0 of ${name}` : String(port);
}
