import type { Connect } from "../api/models.ts";

/** One program to copy. */
export interface Snippet {
  readonly name: string;
  readonly language: "sh" | "python" | "json";
  /** What it needs first: a command. */
  readonly install?: string;
  readonly text: string;
  readonly note?: string;
}

export interface SnippetChoice {
  /** A path of MCP tools. */
  readonly tools: string | undefined;
  readonly model: string | undefined;
  readonly agent: string | undefined;
}

/* The credential never stands in a program: each of them reads it from here. */
const KEY = "SALLYPORT_KEY";

/* A JSON string is a string of Python too. */
const quoted = (text: string): string => JSON.stringify(text);
const shell = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** What each client needs to speak to this gateway; those without what they need (no models, no tools) are left out. */
export function snippetsFor(connect: Connect, { tools, model, agent }: SnippetChoice): readonly Snippet[] {
  const { openaiUrl, anthropicUrl } = connect.models;
  const found: Snippet[] = [];
  if (openaiUrl !== undefined && model !== undefined) found.push(curlModel(openaiUrl, model), openai(openaiUrl, model));
  if (anthropicUrl !== undefined && model !== undefined)
    found.push(anthropic(anthropicUrl, model), claudeCode(anthropicUrl, model, tools));
  if (openaiUrl !== undefined && model !== undefined && tools !== undefined)
    found.push(langGraph(openaiUrl, model, tools), crewAi(openaiUrl, model, tools));
  if (tools !== undefined) found.push(curlTools(tools));
  if (agent !== undefined) found.push(curlAgent(agent));
  return found;
}

const curlModel = (url: string, model: string): Snippet => ({
  name: "curl",
  language: "sh",
  text: `curl -s ${url}/chat/completions \\
  -H "authorization: Bearer $${KEY}" \\
  -H "content-type: application/json" \\
  -d ${shell(JSON.stringify({ model, messages: [{ role: "user", content: "Say hello" }] }))}
`,
});

const openai = (url: string, model: string): Snippet => ({
  name: "OpenAI SDK",
  language: "python",
  install: "pip install openai",
  text: `import os

from openai import OpenAI

client = OpenAI(base_url=${quoted(url)}, api_key=os.environ["${KEY}"])
answer = client.chat.completions.create(
    model=${quoted(model)},
    messages=[{"role": "user", "content": "Say hello"}],
)
print(answer.choices[0].message.content)
`,
});

const anthropic = (url: string, model: string): Snippet => ({
  name: "Anthropic SDK",
  language: "python",
  install: "pip install anthropic",
  text: `import os

from anthropic import Anthropic

client = Anthropic(base_url=${quoted(url)}, api_key=os.environ["${KEY}"])
answer = client.messages.create(
    model=${quoted(model)},
    max_tokens=256,
    messages=[{"role": "user", "content": "Say hello"}],
)
print("".join(block.text for block in answer.content if block.type == "text"))
`,
  note: "Any model of the catalog answers, whichever dialect its provider speaks.",
});

const claudeCode = (url: string, model: string, tools: string | undefined): Snippet => ({
  name: "Claude Code",
  language: "sh",
  text: `unset ANTHROPIC_API_KEY
export ANTHROPIC_BASE_URL=${url}
export ANTHROPIC_AUTH_TOKEN="$${KEY}"
export ANTHROPIC_MODEL=${shell(model)}
export ANTHROPIC_DEFAULT_HAIKU_MODEL=${shell(model)}
${tools === undefined ? "" : `claude mcp add --transport http sallyport ${tools} --header "Authorization: Bearer $${KEY}"\n`}claude
`,
});

const langGraph = (url: string, model: string, tools: string): Snippet => ({
  name: "LangGraph",
  language: "python",
  install: "pip install langchain langgraph langchain-openai langchain-mcp-adapters",
  text: `import asyncio
import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

key = os.environ["${KEY}"]


async def main():
    tools = MultiServerMCPClient({
        "sallyport": {
            "transport": "streamable_http",
            "url": ${quoted(tools)},
            "headers": {"Authorization": f"Bearer {key}"},
        }
    })
    model = ChatOpenAI(base_url=${quoted(url)}, api_key=key, model=${quoted(model)})
    agent = create_agent(model, await tools.get_tools())
    answer = await agent.ainvoke({"messages": [{"role": "user", "content": "Which tools do you have?"}]})
    print(answer["messages"][-1].content)


asyncio.run(main())
`,
});

const crewAi = (url: string, model: string, tools: string): Snippet => ({
  name: "CrewAI",
  language: "python",
  install: 'pip install "crewai-tools[mcp]" crewai',
  text: `import os

from crewai import LLM, Agent, Crew, Task
from crewai_tools import MCPServerAdapter

key = os.environ["${KEY}"]
model = LLM(model=${quoted(model)}, provider="openai", base_url=${quoted(url)}, api_key=key)
server = {
    "url": ${quoted(tools)},
    "transport": "streamable-http",
    "headers": {"Authorization": f"Bearer {key}"},
}

with MCPServerAdapter(server) as tools:
    agent = Agent(role="Assistant", goal="Answer with the tools at hand", backstory="You are brief.", llm=model, tools=tools)
    task = Task(description="Say which tools you have.", expected_output="A list of names.", agent=agent)
    print(Crew(agents=[agent], tasks=[task]).kickoff())
`,
});

const curlTools = (url: string): Snippet => ({
  name: "curl, tools",
  language: "sh",
  text: `curl -s ${url} \\
  -H "authorization: Bearer $${KEY}" \\
  -H "content-type: application/json" \\
  -H "accept: application/json, text/event-stream" \\
  -H "mcp-protocol-version: 2026-07-28" \\
  -H "mcp-method: tools/list" \\
  -d '${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} } } })}'
`,
});

const curlAgent = (url: string): Snippet => ({
  name: "curl, agents",
  language: "sh",
  text: `curl -s ${url} \\
  -H "authorization: Bearer $${KEY}" \\
  -H "content-type: application/json" \\
  -H "a2a-version: 1.0" \\
  -d '${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: { message: { messageId: "1", role: "ROLE_USER", parts: [{ text: "Say hello" }] } } })}'
`,
});

export const keyVariable = KEY;
