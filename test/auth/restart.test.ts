import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { openBrowser } from "./browser.ts";
import { clients, credentials, post, postAs, refused, who } from "./oauth-calls.ts";
import { listen, startAuth, testClock } from "./start-auth.ts";

describe("a restart on the same file", () => {
  test("keeps keys, tokens, clients, API keys, passcode, sessions and refresh tokens", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sallyport-auth-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const clock = testClock();
    const open = () =>
      createSqliteStore(
        { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" },
        { clock, log: silentLog },
      );
    const server = await listen();
    const options = {
      config: {
        embedded: {
          clients: {
            ...clients,
            app: {
              secret: "app-secret",
              grants: ["authorization_code", "refresh_token"],
              redirectUris: ["https://app.example/cb"],
            },
          },
        },
      },
      clock,
      server,
    };

    const before = open();
    const first = await startAuth({ ...options, store: before });
    const token = await credentials(first);
    const { key } = await first.auth.keys.issue({ name: "ci" });
    const worker = await first.auth.clients.create({ id: "worker", label: "Worker", grants: ["client_credentials"] });
    const verifier = randomBytes(32).toString("base64url");
    const url = `${server.url}/oauth/authorize?${new URLSearchParams({ client_id: "app", response_type: "code", redirect_uri: "https://app.example/cb", code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" }).toString()}`;
    const browser = openBrowser(server.url);
    const consent = await browser.submit(await browser.open(url), {
      action: "login",
      password: (await first.auth.unusedPasscode()) ?? "",
    });
    const revoked = await credentials(first);
    await postAs(first, "agent", "revoke", { token: revoked });
    // No close: the process was killed.

    const after = open();
    const second = await startAuth({ ...options, store: after });
    expect(await second.auth.unusedPasscode()).toBeUndefined();
    expect(await who(second, token)).toMatchObject({ subject: "agent" });
    await expect(who(second, revoked)).rejects.toMatchObject(refused);
    expect(await who(second, key)).toMatchObject({ credential: "key" });
    const form = { grant_type: "client_credentials", client_id: worker.id, client_secret: worker.secret ?? "" };
    expect((await post(second, "token", form)).status).toBe(200);
    const code =
      new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code") ?? "";
    const bought = await post(second, "token", {
      grant_type: "authorization_code",
      code,
      redirect_uri: "https://app.example/cb",
      code_verifier: verifier,
      client_id: "app",
      client_secret: "app-secret",
    });
    expect(bought.status).toBe(200);
    await second.auth.close();
    await before.close();
    await after.close();
  });
});
