import { describe, expect, test } from "vitest";
import { createRoutes, type RouteSettings } from "../../src/gateway/routes.ts";

const settings: RouteSettings = {
  publicUrl: new URL("https://gateway.example.com"),
  audience: "https://gateway.example.com",
  anonymous: false,
  mcpPaths: ["/mcp", "/mcp/safe"],
  agents: ["writer"],
  models: true,
  publicCards: true,
  bodyLimitBytes: { mcp: 1, a2a: 2, llm: 3, http: 4 },
  main: { own: true, sharesMain: true, answersOwn: () => true, isOwnHost: (host) => host === "gateway.example.com" },
  listeners: [],
};

describe("the table of routes", () => {
  const routes = createRoutes(settings);

  test.for([
    ["/mcp", "mcp", "/mcp"],
    ["/mcp/safe", "mcp", "/mcp/safe"],
    ["/a2a/writer", "a2a", "/a2a/writer"],
    ["/a2a/writer/", "a2a", "/a2a/writer"],
    ["/a2a/writer/.well-known/agent-card.json", "a2a", "/a2a/writer/.well-known/agent-card.json"],
    ["/v1/chat/completions", "llm", "/v1"],
  ] as const)("%s is served by %s under %s", ([path, protocol, under]) => {
    expect(routes.matchPath(path)).toMatchObject({ protocol, path: under });
  });

  test.for(["/oauth/token", "/oauth", "/.well-known/oauth-protected-resource/mcp"])(
    "%s goes to the control plane",
    (path) => {
      expect(routes.matchPath(path)).toBe("control");
    },
  );

  test.for(["/", "/mcp/", "/mcp/other", "/mcpx", "/v1x", "/oauthx", "/MCP"])("%s is served by nobody", (path) => {
    expect(routes.matchPath(path)).toBeUndefined();
  });

  test("an agent nobody configured looks like one the caller may not see: the A2A route takes both", () => {
    expect(routes.matchPath("/a2a/nobody")).toMatchObject({
      protocol: "a2a",
      path: "/a2a",
      authentication: "required",
    });
  });

  test("a token for one route is not good for its neighbour", () => {
    const [mcp, safe] = [routes.matchPath("/mcp"), routes.matchPath("/mcp/safe")];
    if (typeof mcp !== "object" || typeof safe !== "object") throw new Error("not routes");
    expect(mcp.audiences).toEqual(["https://gateway.example.com/mcp", "https://gateway.example.com"]);
    expect(safe.audiences).not.toContain(mcp.audiences[0]);
  });

  test("an agent of a namespace is a resource of its own, also below an agent that is called like the namespace", () => {
    const { matchPath } = createRoutes({ ...settings, agents: ["team-a", "team-a/writer"] });
    expect(matchPath("/a2a/team-a/writer")).toMatchObject({ path: "/a2a/team-a/writer" });
    expect(matchPath("/a2a/team-a/writer/.well-known/agent-card.json")).toMatchObject({
      audiences: ["https://gateway.example.com/a2a/team-a/writer", settings.audience],
    });
    expect(matchPath("/a2a/team-a/other")).toMatchObject({ path: "/a2a/team-a" });
  });

  test("a card is for the agent it describes, and open when cards are public", () => {
    expect(routes.matchPath("/a2a/writer/.well-known/agent-card.json")).toMatchObject({
      authentication: "optional",
      audiences: ["https://gateway.example.com/a2a/writer", "https://gateway.example.com"],
    });
  });

  test("where cards are not public, no answer tells an agent that exists from one that does not", () => {
    const closed = createRoutes({ ...settings, publicCards: false });
    for (const below of ["", "/", "/.well-known/agent-card.json", "/.well-known/agent.json"]) {
      expect(closed.matchPath(`/a2a/writer${below}`)).toBe(closed.matchPath(`/a2a/nobody${below}`));
    }
    expect(closed.matchPath("/a2a/writer")).toMatchObject({
      authentication: "required",
      audiences: ["https://gateway.example.com/a2a", "https://gateway.example.com"],
    });
  });

  test("only what is configured is served", () => {
    const none = createRoutes({ ...settings, mcpPaths: [], agents: undefined, models: false });
    expect(none.all).toEqual([]);
    expect(none.matchPath("/v1/models")).toBeUndefined();
    expect(none.matchPath("/a2a/writer")).toBeUndefined();
  });
});
