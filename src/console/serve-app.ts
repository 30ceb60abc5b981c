import { type Request, type RequestHandler, type Response, Router } from "express";
import type { AppFile, AppFiles } from "./app-files.ts";

/** The first part of the path of every place in the console. */
const places = new Set(["", "overview", "chains", "operations", "policies", "models", "connect"]);

/** Whether a path, which may carry a query, is a place in the console. */
export const isPlace = (path: string): boolean => places.has(/^\/([a-z]*)(?:[/?#]|$)/.exec(path)?.[1] ?? "none");

/** What holds for everything that the console's listener answers: nothing is loaded from, framed by or told to anyone else. */
export function secureAnswers(scriptHashes: readonly string[]): RequestHandler {
  const policy = [
    "default-src 'none'",
    ["script-src 'self'", ...scriptHashes].join(" "),
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  return (_request, response, next) => {
    response.set({
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "permissions-policy": "camera=(), geolocation=(), microphone=()",
    });
    next();
  };
}

/** The shell at each of its places, and the files it loads under `/app`. They hold nothing that is not public. */
export function serveApp(files: AppFiles): Router {
  const router = Router();
  router.get("/app/*path", async (request: Request<{ path: string[] }>, response, next) => {
    const file = files.find(request.params.path.join("/"));
    if (file === undefined) next();
    else send(request, response, await file);
  });
  router.get(["/", "/:place", "/:place/:id"], async (request: Request<{ place?: string }>, response, next) => {
    const shell = places.has(request.params.place ?? "") ? files.shell() : undefined;
    if (shell === undefined) next();
    else send(request, response, await shell);
  });
  return router;
}

/* Asked for anew each time, and sent only where it has changed. */
function send(request: Request<never> | Request<object>, response: Response, file: AppFile): void {
  response.set({ etag: file.etag, "cache-control": "no-cache", vary: "accept-encoding" }).type(file.type);
  if (request.fresh) return void response.status(304).end();
  if (request.acceptsEncodings("br") === "br") response.set("content-encoding", "br").end(file.brotli);
  else if (request.acceptsEncodings("gzip") === "gzip") response.set("content-encoding", "gzip").end(file.gzip);
  else response.end(file.plain);
}
