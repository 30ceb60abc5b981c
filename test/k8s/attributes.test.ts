import { describe, expect, test } from "vitest";
import { translateAttributes } from "../../src/k8s/policies/attributes.ts";

describe("what Kuadrant's expressions read", () => {
  test.each([
    ['request.path == "/v1/chat"', 'request.path == "/v1/chat"'],
    ['request.url_path.startsWith("/v1")', 'request.path.startsWith("/v1")'],
    ["request.headers['x-team'] == \"request.query\"", "request.headers['x-team'] == \"request.query\""],
    ["source.address", "request.ip"],
    ["auth.identity.sub", "principal.subject"],
    ['"free" in auth.identity.groups', '"free" in principal.groups'],
    [
      'auth.identity.groups.split(",").exists(g, g == "free")',
      'principal.groups.join(",").split(",").exists(g, g == "free")',
    ],
    ["auth.identity['groups'].split(\",\")[0]", 'principal.groups.join(",").split(",")[0]'],
    ["auth.identity.groups.exists(g, g == 'a')", "principal.groups.exists(g, g == 'a')"],
    ["has(auth.identity.groups)", "(principal.groups.size() > 0)"],
    [
      "has(auth.identity) && auth.identity.plan == 'x'",
      "(principal.issuer != \"urn:sallyport:anonymous\") && principal.claims.plan == 'x'",
    ],
    ["!has(auth.identity.anonymous)", '!(!(principal.issuer != "urn:sallyport:anonymous"))'],
    ["auth.identity.user.username.startsWith('system:')", "principal.subject.startsWith('system:')"],
    ["has(auth.identity.plan) && has(principal.claims.x)", "has(principal.claims.plan) && has(principal.claims.x)"],
    ["\"auth.identity['groups']\" == request.host", "\"auth.identity['groups']\" == request.host"],
    ['requestBodyJSON("model")', "llm.model"],
    ['auth.identity["plan"] == "gold"', 'principal.claims["plan"] == "gold"'],
    ["auth.identity.realm.roles.size() > 0", "principal.claims.realm.roles.size() > 0"],
    ["has(auth.identity.userid)", "has(principal.claims.userid)"],
    ["auth.identity.userid", "(has(principal.claims.userid) ? string(principal.claims.userid) : principal.subject)"],
    ['request.auth.claims["team"]', 'principal.claims["team"]'],
    ['requestBodyJSON("/model") == "gpt-4o"', 'llm.model == "gpt-4o"'],
    ["requestBodyJSON('/stream')", "llm.stream"],
    [
      'request.useragent.contains("bot")',
      '("user-agent" in request.headers ? request.headers["user-agent"] : "").contains("bot")',
    ],
    ['r"auth.metadata" == "source.port" && 1 < 2', 'r"auth.metadata" == "source.port" && 1 < 2'],
    ['principal.tenant == "a" && request.ip != ""', 'principal.tenant == "a" && request.ip != ""'],
  ])("%s is %s", (theirs, ours) => {
    expect(translateAttributes(theirs)).toEqual({ source: ours });
  });

  test.each([
    ["source.port", /source\.address/],
    ["auth.metadata.x", /AuthPolicy/],
    ["has(auth.metadata.x)", /AuthPolicy/],
    ['auth.identity.metadata.annotations["kuadrant.io/groups"]', /write `auth\.identity\.groups`/],
    ["request.query", /the query of the address is not known here/],
    ['queryMap(request.query)["a"]', /the query of the address/],
    ["request.scheme", /how the caller is connected/],
    ['requestBodyJSON("/constructor")', /requestBodyJSON of \/model/],
    ["destination.port", /where the call goes/],
    ["filter_state.x", /Envoy/],
    ['responseBodyJSON("/usage/total_tokens")', /of bodies/],
    ['requestBodyJSON("/temperature")', /requestBodyJSON of \/model/],
  ])("%s is refused, and why", (theirs, reason) => {
    expect(translateAttributes(theirs)).toEqual({ refused: expect.stringMatching(reason) as string });
  });
});
