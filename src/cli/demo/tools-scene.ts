import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Scene, Stage } from "./scene.ts";

async function connect({ gateway }: Stage, mode: "legacy" | { pin: string }): Promise<Client> {
  const client = new Client({ name: "demo", version: "1.0.0" }, { versionNegotiation: { mode } });
  const headers = { authorization: `Bearer ${await gateway.token("quickstart", { resource: `${gateway.url}/mcp` })}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit: { headers } }));
  return client;
}

const eras = [
  ["a session client (2025-11-25)", "legacy"],
  ["a stateless client (2026-07-28)", { pin: "2026-07-28" }],
] as const;

export const toolsScene: Scene = {
  title: "Tools: three MCP servers on one path, both eras, one rule for a list and a call",
  async play(stage) {
    const { tell, check } = stage;
    for (const [name, mode] of eras) {
      const client = await connect(stage, mode);
      const { tools } = await client.listTools();
      tell(`${name} sees ${tools.map((tool) => tool.name).join(", ")}`);
      check(
        tools.some((tool) => tool.name === "read_file") && !tools.some((tool) => tool.name === "write_file"),
        "what policy denies is not listed",
      );
      const read = await client.callTool({ name: "read_file", arguments: { path: "notes.md" } });
      tell(`read_file notes.md → ${JSON.stringify(read.content).slice(0, 80)}…`);
      check(read.isError !== true, "an allowed call is relayed to its server");
      const climb = await client.callTool({ name: "read_file", arguments: { path: "../secrets" } });
      tell(`read_file ../secrets → ${JSON.stringify(climb.content)}`);
      check(climb.isError === true, "the same tool with another argument is denied, in words the model can act on");
      const hidden = await client
        .callTool({ name: "write_file", arguments: { path: "a", content: "b" } })
        .then(() => "answered", String);
      const unknown = await client.callTool({ name: "no_such_tool", arguments: {} }).then(() => "answered", String);
      check(
        hidden.replace("write_file", "…") === unknown.replace("no_such_tool", "…"),
        "a hidden tool and one that does not exist look the same",
      );
      await client.close();
    }
  },
};
