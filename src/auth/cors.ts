import type { RequestHandler } from "express";

/** Lets any page read what needs no cookie (metadata, keys, token, registration), as browser clients of MCP must. Never used on /authorize. */
export const openCors =
  (methods: string): RequestHandler =>
  (request, response, next) => {
    response.set("access-control-allow-origin", "*").set("access-control-expose-headers", "www-authenticate");
    if (request.method !== "OPTIONS") {
      next();
      return;
    }
    response
      .set("access-control-allow-methods", methods)
      .set("access-control-allow-headers", "authorization, content-type, mcp-protocol-version")
      .set("access-control-max-age", "3600")
      .status(204)
      .end();
  };
