import type { RequestListener } from "node:http";
import OpenAI from "openai";
import { type Answer, type Service, type ServicesScene, startService } from "../services/services-scene.ts";

/** A model server that serves what it is given to serve, and tells what it was asked. */
export interface Served extends Service {
  readonly calls: { readonly path: string; readonly headers: Record<string, unknown>; readonly body: Fields }[];
  /** The models that it lists; those it does not, it refuses. */
  models: readonly { readonly id: string; readonly parent?: string }[];
}
type Fields = Readonly<Record<string, unknown>>;

export async function startModels(name: string, ...ids: readonly string[]): Promise<Served> {
  const calls: Served["calls"] = [];
  const json = (res: Parameters<RequestListener>[1], status: number, value: unknown) => {
    res.writeHead(status, { "content-type": "application/json" });
    res.end(JSON.stringify(value));
  };
  const service = await startService((req, res) => {
    const path = req.url ?? "";
    if (path === "/v1/models") return json(res, 200, { object: "list", data: served.models });
    if (req.method === "GET") return json(res, 404, {});
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Fields;
      calls.push({ path, headers: req.headers, body });
      const model = body["model"];
      if (!served.models.some(({ id }) => id === model))
        return json(res, 404, { error: { message: `no ${String(model)} here`, type: "NotFoundError", code: 404 } });
      const usage = { prompt_tokens: 30, completion_tokens: 10, total_tokens: 40 };
      if (body["stream"] === true) {
        const chunk = (delta: object, finish: string | null) =>
          `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.write(chunk({ role: "assistant", content: `${name} ` }, null) + chunk({ content: "says yes" }, null));
        const end = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model, choices: [], usage })}\n\n`;
        return void res.end(`${chunk({}, "stop")}${end}data: [DONE]\n\n`);
      }
      const message = { role: "assistant", content: `${name} says yes` };
      json(res, 200, {
        id: "c",
        object: "chat.completion",
        created: 1,
        model,
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      });
    });
  });
  const served: Served = Object.assign(service, { calls, models: ids.map((id) => ({ id })) });
  return served;
}

/** A call in OpenAI's dialect. */
export const chat = (
  scene: ServicesScene,
  path: string,
  model: string,
  options: { readonly host?: string; readonly headers?: Record<string, string>; readonly text?: string } = {},
): Promise<Answer> =>
  scene.ask(path, {
    method: "POST",
    ...(options.host !== undefined && { host: options.host }),
    headers: { "content-type": "application/json", ...options.headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: options.text ?? "is it so?" }] }),
  });

/** The official client of a route under this path. */
export const clientOf = (scene: ServicesScene, path: string, apiKey = "none"): OpenAI =>
  new OpenAI({ baseURL: `http://127.0.0.1:${scene.port}${path}`, apiKey, maxRetries: 0 });
