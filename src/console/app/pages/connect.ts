import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import type { Connect as ConnectData } from "../../api/models.ts";
import type { IssuedKey, KeyRequest } from "../../api/session.ts";
import { ApiError, ask } from "../api.ts";
import { CopyButton } from "../parts/copy-button.ts";
import { Card, PageHead } from "../parts/marks.ts";
import { Empty, Loaded } from "../parts/states.ts";
import { setQuery } from "../place.ts";
import { useResource } from "../resource.ts";
import type { Place } from "../router.ts";
import { isOperator } from "../session.ts";
import { keyVariable, type Snippet, snippetsFor } from "../snippets.ts";

/** Programs to copy, filled with what this gateway is. */
export function Connect({ at }: { readonly at: Place }): ComponentChildren {
  const connect = useResource<ConnectData>("/api/connect");
  return h(
    "div",
    null,
    h(
      PageHead,
      { title: "Connect" },
      "Change one base URL in what you have. The programs below hold this gateway's own address, routes and models.",
    ),
    h(Loaded<ConnectData>, { from: connect, children: (data) => h(Ready, { data, at }) }),
  );
}

function Ready({ data, at: { query } }: { readonly data: ConnectData; readonly at: Place }): ComponentChildren {
  const chosen = (wanted: string | undefined, known: readonly string[]): string | undefined =>
    known.find((name) => name === wanted) ?? known[0];
  const model = chosen(query["model"], data.models.names);
  const tools = data.mcp.find(({ path }) => path === query["tools"]) ?? data.mcp[0];
  const agent = data.agents.find(({ name }) => name === query["agent"]) ?? data.agents[0];
  const snippets = snippetsFor(data, { model, tools: tools?.url, agent: agent?.url });
  const shown = snippets.find(({ name }) => name === query["with"]) ?? snippets[0];
  if (shown === undefined)
    return h(
      "div",
      { class: "card" },
      h(
        Empty,
        { icon: "connect", title: "Nothing to connect to" },
        "The configuration names no models, tools or agents yet. Put some into `models`, `mcp` or `a2a`.",
      ),
    );
  return h(
    "div",
    { class: "stack" },
    h(
      Card,
      { title: "1. A credential", note: `The programs read it from the environment variable ${keyVariable}` },
      h(Credential, { data }),
    ),
    h(
      Card,
      { title: "2. A program" },
      h(
        "div",
        { class: "stack close" },
        h(
          "div",
          { class: "filters" },
          h(Select, { label: "Model", name: "model", value: model ?? "", values: data.models.names }),
          h(Select, {
            label: "Tools",
            name: "tools",
            value: tools?.path ?? "",
            values: data.mcp.map(({ path }) => path),
          }),
          h(Select, {
            label: "Agent",
            name: "agent",
            value: agent?.name ?? "",
            values: data.agents.map(({ name }) => name),
          }),
        ),
        h(
          "div",
          { class: "tabs", role: "group", "aria-label": "Client" },
          snippets.map(({ name }) =>
            h(
              "button",
              {
                key: name,
                class: "button",
                type: "button",
                "aria-pressed": name === shown.name,
                onClick: () => setQuery({ with: name === snippets[0]?.name ? "" : name }),
              },
              name,
            ),
          ),
        ),
        h(SnippetText, { snippet: shown }),
      ),
    ),
    h(Addresses, { data }),
  );
}

interface SelectProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly values: readonly string[];
}

const Select = ({ label, name, value, values }: SelectProps): ComponentChildren =>
  values.length < 2
    ? null
    : h(
        "label",
        { class: "field" },
        label,
        h(
          "select",
          { value, onChange: (event: Event) => setQuery({ [name]: (event.currentTarget as HTMLSelectElement).value }) },
          values.map((one) => h("option", { key: one, value: one }, one)),
        ),
      );

const SnippetText = ({ snippet: { name, install, text, note } }: { readonly snippet: Snippet }): ComponentChildren =>
  h(
    "div",
    { class: "stack close" },
    install !== undefined && h(Code, { text: install, what: "the command to install" }),
    h(Code, { text, what: `the ${name} program` }),
    note !== undefined && h("p", { class: "hint" }, note),
  );

const Code = ({ text, what }: { readonly text: string; readonly what: string }): ComponentChildren =>
  h(
    "div",
    { class: "code" },
    h("pre", { tabIndex: 0, role: "region", "aria-label": what }, text.trimEnd()),
    h(CopyButton, { text, what, word: true }),
  );

/** How to get a credential here; an operator gets one at once. */
function Credential({ data: { auth } }: { readonly data: ConnectData }): ComponentChildren {
  const [key, setKey] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [name, setName] = useState("");
  const [group, setGroup] = useState("");
  const mayMake = auth.keys && isOperator();

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const request: KeyRequest = {
      name: name.trim(),
      expires: "30d",
      ...(group.trim() !== "" && { groups: group.split(/[\s,]+/).filter((one) => one !== "") }),
    };
    try {
      setKey((await ask<IssuedKey>("/api/keys", { body: request })).key);
      setProblem(undefined);
    } catch (thrown) {
      setProblem(thrown instanceof ApiError ? thrown.message : String(thrown));
    }
  }
  if (key !== undefined)
    return h(
      "div",
      { class: "stack close" },
      h("p", { role: "status" }, "This is the only time the key is shown. It is good for 30 days."),
      h(Code, { text: `export ${keyVariable}=${key}`, what: "the line with the key" }),
    );
  return h(
    "div",
    { class: "stack close" },
    mayMake &&
      h(
        "form",
        { class: "filters", onSubmit: (event: Event) => void submit(event) },
        h(Text, { label: "Name of the key", value: name, set: setName, required: true }),
        h(Text, { label: "Groups (optional)", value: group, set: setGroup, required: false }),
        h("button", { class: "button main", type: "submit" }, "Make a key for 30 days"),
      ),
    problem !== undefined && h("p", { class: "why bad", role: "alert" }, problem),
    !mayMake &&
      h(
        "p",
        null,
        auth.keys ? "An operator can make a key here, or with: " : "Clients show an access token of ",
        auth.keys ? h("code", null, "npx sallyport keys issue --name NAME") : auth.issuers.join(", "),
      ),
    auth.tokenUrl !== undefined &&
      h(
        "p",
        { class: "hint" },
        `Access tokens come from ${auth.tokenUrl}${auth.dynamicRegistration ? "; MCP clients find it and register by themselves" : ""}.`,
      ),
    auth.anonymous &&
      h("p", { class: "hint" }, "Callers without a credential are let in too, as far as policy allows."),
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly required: boolean;
}

const Text = ({ label, value, set, required }: TextProps): ComponentChildren =>
  h(
    "label",
    { class: "field" },
    label,
    h("input", { value, required, onInput: (event: Event) => set((event.currentTarget as HTMLInputElement).value) }),
  );

function Addresses({ data }: { readonly data: ConnectData }): ComponentChildren {
  const lines: readonly (readonly [string, string])[] = [
    ...(data.models.openaiUrl === undefined ? [] : [["Models, OpenAI's dialect", data.models.openaiUrl] as const]),
    ...(data.models.anthropicUrl === undefined
      ? []
      : [["Models, Anthropic's dialect", data.models.anthropicUrl] as const]),
    ...data.mcp.map(({ url, servers }) => [`Tools of ${servers.join(", ")}`, url] as const),
    ...data.agents.map(({ name, url }) => [`Agent ${name}`, url] as const),
  ];
  return h(
    Card,
    { title: "Addresses" },
    h(
      "dl",
      { class: "pairs" },
      lines.map(([name, url]) => [
        h("dt", { key: url }, name),
        h(
          "dd",
          { key: `${url} value` },
          h("span", { class: "mono" }, url),
          " ",
          h(CopyButton, { text: url, what: url }),
        ),
      ]),
    ),
  );
}
