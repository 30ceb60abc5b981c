import type { Request, Response } from "express";

/** The address a browser sees: scheme, host and port. */
export interface Place {
  readonly origin: string;
  readonly secure: boolean;
}

/** A cookie of the console's, which pages cannot read. Its name has the port: browsers send a host's cookies to all of its ports. */
export interface Cookie {
  read(request: Request): string | undefined;
  set(request: Request, response: Response, value: string, maxAgeMs: number): void;
  clear(request: Request, response: Response): void;
}

/** Where the request came to. The listener speaks plain HTTP; `url` says what stands in front of it. */
export function placeOf(request: Request, url: URL | undefined): Place {
  const host = request.headers.host ?? "";
  const origin = url?.host === host ? url.origin : `http://${host}`;
  return { origin, secure: origin.startsWith("https:") };
}

export function defineCookie(
  base: string,
  path: string,
  sameSite: "Strict" | "Lax",
  url: () => URL | undefined,
): Cookie {
  const nameFor = (request: Request): { readonly name: string; readonly secure: boolean } => {
    const { origin, secure } = placeOf(request, url());
    /* __Host- wants the path to be the root. */
    const prefix = secure ? (path === "/" ? "__Host-" : "__Secure-") : "";
    return { name: `${prefix}${base}-${URL.parse(origin)?.port || "main"}`, secure };
  };
  const write = (request: Request, response: Response, value: string, seconds: number): void => {
    const { name, secure } = nameFor(request);
    const parts = [`${name}=${value}`, `Path=${path}`, `Max-Age=${seconds}`, "HttpOnly", `SameSite=${sameSite}`];
    response.append("set-cookie", [...parts, ...(secure ? ["Secure"] : [])].join("; "));
  };
  return {
    read(request) {
      const start = `${nameFor(request).name}=`;
      const pair = (request.headers.cookie ?? "").split(/; */).find((each) => each.startsWith(start));
      return pair?.slice(start.length);
    },
    set: (request, response, value, maxAgeMs) => write(request, response, value, Math.floor(maxAgeMs / 1_000)),
    clear: (request, response) => write(request, response, "", 0),
  };
}
