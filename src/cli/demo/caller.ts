import type { Stage } from "./scene.ts";

/** A caller with an API key of its own. */
export interface Caller {
  readonly key: string;
  /** A call of a model in the OpenAI dialect. */
  ask(model: string, question: string, more?: object, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

/** Makes an analyst of a tenant. */
export async function makeCaller({ gateway }: Stage, tenant: string): Promise<Caller> {
  const response = await gateway.admin("/api/keys", {
    method: "POST",
    body: JSON.stringify({ name: `demo-${tenant}`, tenant, groups: ["analyst"], expires: "1h" }),
  });
  const { key } = (await response.json()) as { key: string };
  return {
    key,
    ask: (model, question, more = {}, headers = {}) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
        body: JSON.stringify({ model, messages: [{ role: "user", content: question }], ...more }),
      }),
  };
}

/** What an answer of a model in the OpenAI dialect says; "" for anything else. */
export async function textOf(response: Response): Promise<string> {
  const { choices } = (await response.json()) as { choices?: readonly { message: { content: string } }[] };
  return choices?.[0]?.message.content ?? "";
}

/** The data of each event of a stream, parsed; what is not JSON, such as `[DONE]`, is left out. */
export function eventsOf<Event>(stream: string): readonly Event[] {
  const lines = stream.split("\n").filter((line) => line.startsWith("data: {"));
  return lines.map((line) => JSON.parse(line.slice(6)) as Event);
}

/** What the simulated provider got last: the path and the body, as they came. */
export async function lastRequest({ gateway }: Stage): Promise<{ readonly path: string; readonly body: string }> {
  const response = await fetch(`${gateway.sample("model")}/last-request`);
  return (await response.json()) as { path: string; body: string };
}
