import express, { type Express, type NextFunction, type Request, type Response, type Router } from "express";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** The control plane of the public listener: OAuth and metadata, in Express. Its errors are JSON, never pages of a framework. */
export function createControlPlane(router: () => Router, log: Log): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  /* Asked for each time: a reload may have replaced it. */
  app.use((request, response, next) => router()(request, response, next));
  app.use((request: Request, response: Response) => {
    const error = new GatewayError("not_found", `Nothing is served at ${request.path}.`);
    response.status(404).json({ error: { type: error.kind, message: error.message } });
  });
  app.use((thrown: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(thrown);
    const error = toGatewayError(thrown);
    if (error.spec.status >= 500) log.error({ error: thrown }, "the control plane failed");
    response
      .status(error.spec.status)
      .set(error.headers)
      .json({ error: { type: error.kind, message: error.message } });
  });
  return app;
}

/** Body parsers of Express throw errors with a `status`; those are the caller's own. */
function toGatewayError(thrown: unknown): GatewayError {
  const status = thrown instanceof Error && "status" in thrown ? thrown.status : undefined;
  if (status === 413) return new GatewayError("too_large", "The request body is too large.", { cause: thrown });
  if (status === 415)
    return new GatewayError("unsupported_media", "This content type is not accepted here.", { cause: thrown });
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new GatewayError("invalid_request", "The request could not be read.", { cause: thrown });
  }
  return GatewayError.from(thrown);
}
