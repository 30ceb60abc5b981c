import type { Scene } from "./scene.ts";

export const keysScene: Scene = {
  title: "API keys: made, used and revoked while the gateway runs",
  async play({ gateway, tell, check }) {
    const issued = (await (
      await gateway.admin("/api/keys", {
        method: "POST",
        body: JSON.stringify({ name: "demo", tenant: "team-a", groups: ["analyst"], expires: "1h" }),
      })
    ).json()) as { id: string; key: string };
    tell(
      `POST /api/keys on the admin address → key ${issued.key.slice(0, 6)}…, shown this once; the store keeps its SHA-256`,
    );
    const use = () => fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${issued.key}` } });
    check((await use()).status === 200, "an OpenAI client can use it as its API key");
    const revoked = await gateway.admin(`/api/keys/${issued.id}`, { method: "DELETE" });
    check(revoked.status === 204 && (await use()).status === 401, "once revoked it is refused at the next call");
  },
};
