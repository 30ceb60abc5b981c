import { describe, expect, onTestFinished, test } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { config, credentials, post, postAs, refused, who } from "./oauth-calls.ts";
import { listen, startAuth, testClock } from "./start-auth.ts";

describe("revoking an access token", () => {
  test("takes effect at once here and on another replica of the same store", async () => {
    const clock = testClock();
    const store = createMemoryStore({ clock, log: silentLog });
    onTestFinished(() => store.close());
    const server = await listen();
    const one = await startAuth({ config, clock, store, server });
    const two = await startAuth({ config, clock, store, publicUrl: server.url });
    const token = await credentials(one);
    await who(one, token);
    await who(two, token);
    expect((await postAs(one, "agent", "revoke", { token, token_type_hint: "access_token" })).status).toBe(200);
    await expect(who(one, token)).rejects.toMatchObject(refused);
    await expect
      .poll(() =>
        who(two, token).then(
          () => "in",
          () => "out",
        ),
      )
      .toBe("out");
  });

  test("takes effect within 60 s on a replica that heard nothing", async () => {
    const clock = testClock();
    const shared = createMemoryStore({ clock, log: silentLog });
    onTestFinished(() => shared.close());
    const deaf = { ...shared, get: shared.get.bind(shared), subscribe: () => Promise.resolve(() => Promise.resolve()) };
    const server = await listen();
    const one = await startAuth({ config, clock, store: shared, server });
    const two = await startAuth({ config, clock, store: deaf, publicUrl: server.url });
    const token = await credentials(one);
    await who(two, token);
    await postAs(one, "agent", "revoke", { token });
    expect(await who(two, token)).toMatchObject({ subject: "agent" });
    clock.advance(60_000);
    await expect(who(two, token)).rejects.toMatchObject(refused);
  });

  test("is for its own client only, and says nothing of others", async () => {
    const gateway = await startAuth({ config });
    const token = await credentials(gateway);
    expect((await postAs(gateway, "second", "revoke", { token })).status).toBe(200);
    expect((await postAs(gateway, "second", "revoke", { token: "nonsense" })).status).toBe(200);
    expect((await post(gateway, "revoke", { token })).status).toBe(400);
    expect(await who(gateway, token)).toMatchObject({ subject: "agent" });
  });

  test("deleting the client ends its tokens, and its id cannot be taken at once", async () => {
    const gateway = await startAuth({ config });
    const { id, secret } = await gateway.auth.clients.create({
      id: "worker",
      label: "Worker",
      grants: ["client_credentials"],
      groups: ["w"],
    });
    const response = await fetch(`${gateway.url}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", client_id: id, client_secret: secret ?? "" }),
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect(await who(gateway, token)).toMatchObject({ subject: "worker", groups: ["w"] });
    expect(await gateway.auth.clients.delete(id)).toBe(true);
    await expect(who(gateway, token)).rejects.toMatchObject(refused);
    await expect(
      gateway.auth.clients.create({ id: "worker", label: "Other", grants: ["client_credentials"] }),
    ).rejects.toMatchObject({ kind: "invalid_params" });
    expect(await gateway.auth.clients.delete("agent")).toBe(false);
  });
});
