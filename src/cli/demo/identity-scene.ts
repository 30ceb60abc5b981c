import type { Scene } from "./scene.ts";

export const identityScene: Scene = {
  title: "Identity: nobody gets in without a token, and the refusal says where to get one",
  async play({ gateway, tell, check }) {
    const refused = await fetch(`${gateway.url}/v1/models`);
    const challenge = refused.headers.get("www-authenticate") ?? "";
    tell(`GET /v1/models without a credential → ${refused.status}, ${challenge}`);
    check(
      refused.status === 401 && challenge.includes("resource_metadata="),
      "the challenge points to the resource's metadata (RFC 9728)",
    );
    const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? "";
    const metadata = (await (await fetch(metadataUrl)).json()) as {
      authorization_servers?: string[];
      resource?: string;
    };
    tell(
      `${metadataUrl} → resource ${metadata.resource}, authorization server ${metadata.authorization_servers?.join(", ")}`,
    );
    check((metadata.authorization_servers?.length ?? 0) > 0, "the metadata names the authorization server");
    const token = await gateway.token();
    const allowed = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
    tell(`POST /oauth/token as the client "quickstart" → a token; GET /v1/models with it → ${allowed.status}`);
    check(allowed.status === 200, "with the token the same request is answered");
    const narrow = await gateway.token("quickstart", { resource: `${gateway.url}/mcp` });
    const elsewhere = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${narrow}` } });
    tell(`a token meant for ${gateway.url}/mcp, shown at /v1/models → ${elsewhere.status}`);
    check(elsewhere.status === 401, "a token for one resource is not good for another (RFC 8707)");
  },
};
