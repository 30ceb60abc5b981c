import { defineAnnotations } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";
import type { Cors } from "../gateway-api.ts";
import { isHeaderName } from "../http-names.ts";
import { type Migration, rulesOf } from "../migration.ts";

/* What nginx sends where nothing else is said (its documentation, "Enable CORS"). */
const METHODS = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
const HEADERS =
  "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";
const MAX_AGE_SECONDS = 1_728_000;

/* What the CRD of HTTPRoute takes. */
const KNOWN_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"];
const ORIGIN = /^\*$|^https?:\/\/(?:(?:\*\.)?(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(?::\d{1,5})?$/;
const MOST = 64;

const names = [
  "cors-allow-origin",
  "cors-allow-methods",
  "cors-allow-headers",
  "cors-expose-headers",
  "cors-allow-credentials",
  "cors-max-age",
] as const;

export const cors = defineAnnotations({
  title: "CORS",
  annotations: {
    "enable-cors": { outcome: "translated", text: "a CORS filter on every rule, with nginx's defaults written out" },
    "cors-allow-origin": {
      outcome: "translated",
      text: "allowOrigins; a wildcard stood for one label of a name and stands for any number now",
    },
    "cors-allow-methods": { outcome: "translated", text: "allowMethods" },
    "cors-allow-headers": { outcome: "translated", text: "allowHeaders" },
    "cors-expose-headers": { outcome: "translated", text: "exposeHeaders" },
    "cors-allow-credentials": {
      outcome: "translated",
      text: "allowCredentials; left out for the origin `*`, with which browsers take nginx's `true` for a refusal and would take a gateway's for leave",
    },
    "cors-max-age": { outcome: "translated", text: "maxAge" },
  },
  apply(migration) {
    const enabled = migration.get("enable-cors");
    if (!isOn(enabled)) {
      for (const name of ["enable-cors", ...names])
        if (migration.get(name) !== undefined) migration.translated(name, "nothing to do: CORS is off");
      return;
    }
    const filter = readCors(migration);
    migration.translated("enable-cors", "a CORS filter on every rule, with nginx's defaults written out");
    for (const rule of rulesOf(migration)) rule.cors = filter;
  },
});

function readCors(migration: Migration): Cors {
  const list = (
    name: (typeof names)[number],
    initial: string,
    field: string,
    fits: (item: string) => boolean,
    most = MOST,
  ) => {
    const written = migration.get(name);
    const items = [
      ...new Set(
        (written ?? initial)
          .split(",")
          .map((item) => item.trim())
          .filter((item) => item !== ""),
      ),
    ];
    const all = items.includes("*") && items.length > 1 ? ["*"] : items;
    const good = all.filter(fits).slice(0, most);
    const lost = all.filter((item) => !good.includes(item));
    if (lost.length > 0)
      migration.notTranslated(
        name,
        `${field} cannot hold ${lost.join(", ")}`,
        "see whether a browser needs it, and write it in the form the field takes",
      );
    else if (written !== undefined && field !== "allowOrigins")
      migration.translated(name, `${field}: ${good.join(", ")}`);
    return good;
  };
  const allowOrigins = list("cors-allow-origin", "*", "allowOrigins", (origin) => ORIGIN.test(origin));
  const written = migration.get("cors-allow-origin");
  if (written !== undefined && allowOrigins.some((origin) => origin.includes("://*")))
    migration.approximated(
      "cors-allow-origin",
      "allowOrigins; a wildcard stood for one label of a name and stands for any number now",
    );
  else if (written !== undefined && allowOrigins.length > 0)
    migration.translated("cors-allow-origin", `allowOrigins: ${allowOrigins.join(", ")}`);
  const exposeHeaders = list("cors-expose-headers", "", "exposeHeaders", isHeaderName);
  const allowMethods = list(
    "cors-allow-methods",
    METHODS,
    "allowMethods",
    (method) => KNOWN_METHODS.includes(method),
    9,
  );
  const allowHeaders = list("cors-allow-headers", HEADERS, "allowHeaders", isHeaderName);
  return {
    allowOrigins,
    ...(readCredentials(migration, allowOrigins) && { allowCredentials: true }),
    allowMethods,
    allowHeaders,
    ...(exposeHeaders.length > 0 && { exposeHeaders }),
    maxAge: readMaxAge(migration),
  };
}

function readCredentials(migration: Migration, origins: readonly string[]): boolean {
  const name = "cors-allow-credentials";
  const written = migration.get(name);
  const wanted = written === undefined || isOn(written);
  if (wanted && origins.includes("*")) {
    const text =
      "left out: with the origin * browsers take nginx's credentials for a refusal, and a gateway's for leave to any page";
    if (written !== undefined) migration.approximated(name, text);
    return false;
  }
  if (written !== undefined) migration.translated(name, `allowCredentials: ${wanted}`);
  return wanted;
}

function readMaxAge(migration: Migration): number {
  const written = migration.get("cors-max-age");
  const seconds = Number(written ?? MAX_AGE_SECONDS);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds < 2 ** 31) {
    if (written !== undefined) migration.translated("cors-max-age", `maxAge: ${seconds}`);
    return seconds;
  }
  migration.approximated("cors-max-age", "maxAge: 1, the least there is");
  return 1;
}
