import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
} from "@modelcontextprotocol/server";
import type {
  CallToolResult,
  InputRequests,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";

/** Seals what travels through the client between two rounds. */
export const stateCodec = createRequestStateCodec<{
  readonly tool: string;
  readonly round: number;
  readonly name?: string;
}>({ key: crypto.getRandomValues(new Uint8Array(32)) });

type Result = CallToolResult | InputRequiredResult;
const said = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
const nothing = z.object({});

const formFor = (key: string) => ({
  type: "object" as const,
  properties: { [key]: { type: "string" as const } },
  required: [key],
});
const askName = (message = "What is your name?") => inputRequired.elicit({ message, requestedSchema: formFor("name") });
const askModel = (text: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 100 });
const confirm = () =>
  inputRequired.elicit({
    message: "Please confirm",
    requestedSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
  });

interface Sampled {
  readonly content?: { readonly text?: string };
}
interface Rooted {
  readonly roots?: readonly { readonly uri?: string }[];
}

/** Tools of 2026-07-28 that ask the client by way of their result. */
export function addAskingTools(server: McpServer): void {
  const add = (name: string, handler: (args: object, context: ServerContext) => Promise<Result>) =>
    server.registerTool(name, { description: `${name}: asks by its result`, inputSchema: nothing }, handler);

  add("test_missing_capability", async (_args, { mcpReq }): Promise<Result> =>
    mcpReq.inputResponses?.["answer"] === undefined
      ? inputRequired({ inputRequests: { answer: askModel("Say pong") } })
      : said("done"),
  );
  add("test_input_required_result_elicitation", async (_args, { mcpReq }): Promise<Result> => {
    const name = acceptedContent<{ name: unknown }>(mcpReq.inputResponses, "user_name")?.name;
    return typeof name === "string"
      ? said(`Hello, ${name}!`)
      : inputRequired({ inputRequests: { user_name: askName() } });
  });
  add("test_input_required_result_sampling", async (_args, { mcpReq }): Promise<Result> => {
    const answer = mcpReq.inputResponses?.["capital_question"] as Sampled | undefined;
    return answer === undefined
      ? inputRequired({ inputRequests: { capital_question: askModel("What is the capital of France?") } })
      : said(`The model says: ${answer.content?.text}`);
  });
  add("test_input_required_result_list_roots", async (_args, { mcpReq }): Promise<Result> => {
    const answer = mcpReq.inputResponses?.["client_roots"] as Rooted | undefined;
    return answer?.roots === undefined
      ? inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
      : said(answer.roots.map(({ uri }) => uri).join(", "));
  });
  add("test_input_required_result_request_state", async (_args, { mcpReq }): Promise<Result> => {
    if (acceptedContent(mcpReq.inputResponses, "confirm") !== undefined && mcpReq.requestState() !== undefined)
      return said("state-ok");
    return inputRequired({
      inputRequests: { confirm: confirm() },
      requestState: await stateCodec.mint({ tool: "request_state", round: 0 }),
    });
  });
  add("test_input_required_result_tampered_state", async (_args, { mcpReq }): Promise<Result> => {
    if (acceptedContent(mcpReq.inputResponses, "confirm") !== undefined && mcpReq.requestState() !== undefined)
      return said("integrity-ok");
    return inputRequired({
      inputRequests: { confirm: confirm() },
      requestState: await stateCodec.mint({ tool: "tampered_state", round: 0 }),
    });
  });
  add("test_input_required_result_multiple_inputs", async (_args, { mcpReq }): Promise<Result> => {
    const name = acceptedContent<{ name: unknown }>(mcpReq.inputResponses, "user_name")?.name;
    const greeting = (mcpReq.inputResponses?.["greeting"] as Sampled | undefined)?.content?.text;
    const roots = (mcpReq.inputResponses?.["client_roots"] as Rooted | undefined)?.roots;
    if (typeof name === "string" && greeting !== undefined && roots !== undefined)
      return said(`${greeting} ${name}, ${roots.length} roots`);
    const inputRequests = {
      user_name: askName(),
      greeting: askModel("Generate a greeting"),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await stateCodec.mint({ tool: "multiple_inputs", round: 0 }) });
  });
  add("test_input_required_result_multi_round", async (_args, { mcpReq }): Promise<Result> => {
    const state = mcpReq.requestState<{ readonly round: number; readonly name?: string }>();
    if (state === undefined)
      return inputRequired({
        inputRequests: { step1: askName("Step 1: What is your name?") },
        requestState: await stateCodec.mint({ tool: "multi_round", round: 1 }),
      });
    if (state.round === 1) {
      const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, "step1")?.name ?? "";
      const step2 = inputRequired.elicit({
        message: "Step 2: What is your favorite color?",
        requestedSchema: formFor("color"),
      });
      return inputRequired({
        inputRequests: { step2 },
        requestState: await stateCodec.mint({ tool: "multi_round", round: 2, name }),
      });
    }
    return said(`${state.name} likes ${acceptedContent<{ color: string }>(mcpReq.inputResponses, "step2")?.color}`);
  });
  add("test_input_required_result_capabilities", async (_args, { mcpReq }): Promise<Result> => {
    if (mcpReq.inputResponses !== undefined) return said("answered");
    const declared = (mcpReq.envelope as Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined)?.[
      CLIENT_CAPABILITIES_META_KEY
    ];
    const inputRequests: InputRequests = {
      ...(declared?.elicitation === undefined ? {} : { user_name: askName() }),
      ...(declared?.sampling === undefined ? {} : { greeting: askModel("Generate a greeting") }),
      ...(declared?.roots === undefined ? {} : { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length === 0
      ? said("this client can be asked nothing")
      : inputRequired({ inputRequests });
  });
}
