import type { AnnotationGroup } from "./annotation-group.ts";
import { auth } from "./annotations/auth.ts";
import { backends } from "./annotations/backends.ts";
import { balancing } from "./annotations/balancing.ts";
import { bodies } from "./annotations/bodies.ts";
import { canary } from "./annotations/canary.ts";
import { cors } from "./annotations/cors.ts";
import { errors } from "./annotations/errors.ts";
import { headers } from "./annotations/headers.ts";
import { hostNames } from "./annotations/host-names.ts";
import { limits } from "./annotations/limits.ts";
import { logging } from "./annotations/logging.ts";
import { mirror } from "./annotations/mirror.ts";
import { redirect } from "./annotations/redirect.ts";
import { rewrite } from "./annotations/rewrite.ts";
import { snippets } from "./annotations/snippets.ts";
import { timeouts } from "./annotations/timeouts.ts";
import { tls } from "./annotations/tls.ts";

/**
 * Every annotation of Ingress-NGINX 1.15, its last release, in groups. They are applied in this order: redirects are known before TLS and
 * canaries look at them, and the backends of canaries before the policies for backends are written.
 */
export const annotationGroups: readonly AnnotationGroup[] = [
  hostNames,
  rewrite,
  redirect,
  tls,
  canary,
  backends,
  auth,
  cors,
  headers,
  mirror,
  timeouts,
  limits,
  bodies,
  balancing,
  errors,
  snippets,
  logging,
];
