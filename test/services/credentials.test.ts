import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEY, startEcho, startServicesScene, type Service, type ServicesScene } from "./services-scene.ts";

let echo: Service;
let scene: ServicesScene;

beforeAll(async () => {
  echo = await startEcho("echo");
  scene = await startServicesScene(`
services: {echo: "${echo.url}"}
routes:
  open: {auth: optional, tenant: guests, rules: [{match: {path: /open}, to: echo}]}
  closed: {rules: [{match: {path: /closed}, to: echo}]}
`);
});
afterAll(async () => {
  await scene.close();
  await echo.close();
});

const jwt = (payload: object) =>
  [{ alg: "ES256", typ: "at+jwt" }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .concat("c2ln")
    .join(".");

describe("on an open route", () => {
  test.for([
    ["Basic dXNlcjpwYXNz"],
    ["Digest username=x"],
    ["Bearer opaque-of-the-service"],
    [`Bearer ${jwt({ iss: "https://other.example", aud: "shop", sub: "a" })}`],
    [`Bearer ${jwt({ iss: "https://login.example.com", aud: ["shop"], sub: "a" })}`],
    [`Bearer ${jwt({ iss: "https://login.example.com", sub: "a" })}`],
  ])("%s is the service's own, and passes", async ([authorization = ""]) => {
    const answer = await scene.ask("/open?api_key=1", { headers: { authorization, "x-api-key": "theirs" } });
    expect(answer.status).toBe(200);
    expect(answer.echoed().headers).toMatchObject({ authorization, "x-api-key": "theirs" });
  });

  test.for(["authorization", "x-api-key"])("the gateway's key in %s is taken, and goes no further", async (name) => {
    const value = name === "authorization" ? `Bearer ${KEY}` : KEY;
    const answer = await scene.ask("/open", { headers: { [name]: value } });
    expect(answer.status).toBe(200);
    expect(answer.echoed().headers).not.toHaveProperty(name);
  });

  test("what looks like the gateway's and is no good is refused", async () => {
    const before = echo.seen.length;
    const own = scene.gateway.epochs.current().publicUrl.origin;
    for (const value of [`sp_ffffffffffffffff_${"x".repeat(43)}`, "sp_old", jwt({ iss: own, aud: own, sub: "a" })])
      expect((await scene.ask("/open", { headers: { authorization: `Bearer ${value}` } })).status).toBe(401);
    expect(echo.seen.length).toBe(before);
  });

  test("cookies of the authorization server stay here", async () => {
    const cookie = "a=1; __Host-sallyport=s; __Host-sallyport.sig=t; sallyport-resume=u; b=2";
    expect((await scene.ask("/open", { headers: { cookie } })).echoed().headers["cookie"]).toBe("a=1; b=2");
    const headers = { cookie: "sallyport=s" };
    expect((await scene.ask("/open", { headers })).echoed().headers).not.toHaveProperty("cookie");
  });
});

test("on a closed route only the gateway's credentials count, and none passes", async () => {
  expect((await scene.ask("/closed", { headers: { authorization: "Basic dXNlcjpwYXNz" } })).status).toBe(401);
  const answer = await scene.ask("/closed", { headers: { authorization: `Bearer ${KEY}` } });
  expect(answer.echoed().headers).not.toHaveProperty("authorization");
});
