/* What callers ask and what providers answer, in their own dialects; what becomes of it in the other is in the files of golden/. */

export interface Scenario {
  readonly name: string;
  /** The caller's request, as text, for its spelling matters. `stream` is added for the streamed half. */
  readonly request: string;
  /** The provider's whole answer, and its stream without the line ends between events. */
  readonly whole: string;
  readonly stream: readonly string[];
  /** The stream breaks off or ends with an error. */
  readonly fails?: true;
}

const json = (value: unknown) => JSON.stringify(value);

/* Anthropic's provider. */
const event = (type: string, fields: object) => `event: ${type}\ndata: ${json({ type, ...fields })}\n\n`;
const start = (usage: object) =>
  event("message_start", {
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude",
      content: [],
      stop_reason: null,
      usage,
    },
  });
const block = (index: number, content_block: object, ...deltas: readonly object[]) =>
  [
    event("content_block_start", { index, content_block }),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index }),
  ].join("");
const text = (index: number, ...pieces: readonly string[]) =>
  block(index, { type: "text", text: "" }, ...pieces.map((piece) => ({ type: "text_delta", text: piece })));
const call = (index: number, id: string, name: string, ...pieces: readonly string[]) =>
  block(
    index,
    { type: "tool_use", id, name, input: {} },
    ...pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })),
  );
const end = (stop_reason: string, usage: object, stop_sequence: string | null = null) =>
  event("message_delta", { delta: { stop_reason, stop_sequence }, usage }) + event("message_stop", {});
const message = (content: string, rest: object) =>
  `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":${content},${json(rest).slice(1)}`;
const used = { input_tokens: 12, output_tokens: 5 };

/* OpenAI's. */
const chunk = (fields: object) =>
  `data: ${json({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt", ...fields })}\n\n`;
const delta = (fields: object, finish_reason: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: fields, finish_reason }] });
const completion = (
  fields: object,
  finish_reason: string,
  usage: object = { prompt_tokens: 12, completion_tokens: 5 },
) =>
  json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt",
    choices: [{ index: 0, message: { role: "assistant", content: null, refusal: null, ...fields }, finish_reason }],
    usage,
  });
const totals = (usage: object = { prompt_tokens: 12, completion_tokens: 5 }) =>
  chunk({ choices: [], usage }) + "data: [DONE]\n\n";
const toolDelta = (index: number, fields: object) => delta({ tool_calls: [{ index, ...fields }] });

const hello = { model: "m", messages: [{ role: "user", content: "Hello é𝄞" }] };
const pixel = "iVBORw0KGgoAAAANSUhEUg==";
const schema =
  '{"type":"object","properties":{"id":{"type":"integer","maximum":9007199254740993},"share":{"type":"number","multipleOf":1.0}},"required":["id"]}';

/** An OpenAI caller, Anthropic's provider. */
export const toAnthropic: readonly Scenario[] = [
  {
    name: "plain",
    request: json({
      model: "m",
      messages: [
        { role: "system", content: "Be brief." },
        ...hello.messages,
        { role: "developer", content: "In Latin." },
      ],
      max_completion_tokens: 99,
      temperature: 0.7,
      top_p: 0.9,
      stop: ["END"],
      user: "u-1",
      reasoning_effort: "minimal",
      seed: 7,
      store: false,
      metadata: { a: "b" },
    }),
    whole: message('[{"type":"text","text":"Ave é𝄞","citations":null}]', {
      stop_reason: "stop_sequence",
      stop_sequence: "END",
      usage: used,
    }),
    stream: [start(used), event("ping", {}), text(0, "Ave ", "é𝄞"), end("stop_sequence", { output_tokens: 5 }, "END")],
  },
  {
    name: "tools",
    request: `{"model":"m","messages":[{"role":"user","content":"Look up 9007199254740993"}],"tool_choice":"required","parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"look_up","description":"Looks up","strict":true,"parameters":${schema}}},{"type":"function","function":{"name":"now"}}]}`,
    whole: message(
      '[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_1","name":"look_up","input":{"id":9007199254740993,"share":1.0}}]',
      { stop_reason: "tool_use", stop_sequence: null, usage: used },
    ),
    stream: [
      start(used),
      text(0, "I look."),
      call(1, "toolu_1", "look_up", "", '{"id":90071', '99254740993,"share":1.0}'),
      end("tool_use", used),
    ],
  },
  {
    name: "parallel tools",
    request: json({
      model: "m",
      tool_choice: { type: "function", function: { name: "now" } },
      tools: [{ type: "function", function: { name: "now", parameters: { type: "object" } } }],
      messages: [
        { role: "user", content: "What time is it?" },
        {
          role: "assistant",
          content: "I ask both.",
          tool_calls: [
            {
              id: "call_1",
              type: "function",
              function: { name: "now", arguments: '{"zone":"UTC","n":9007199254740993}' },
            },
            { id: "call_2", type: "function", function: { name: "now", arguments: "" } },
          ],
        },
        { role: "tool", tool_call_id: "call_1", content: "12:00" },
        { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "13:00" }] },
        { role: "user", content: "And in Rome?" },
      ],
    }),
    whole: message(
      '[{"type":"tool_use","id":"toolu_1","name":"now","input":{}},{"type":"tool_use","id":"toolu_2","name":"now","input":{"zone":"CET"}}]',
      { stop_reason: "tool_use", stop_sequence: null, usage: used },
    ),
    stream: [
      start(used),
      call(0, "toolu_1", "now"),
      call(1, "toolu_2", "now", '{"zone":', '"CET"}'),
      end("tool_use", used),
    ],
  },
  {
    name: "images and documents",
    request: json({
      model: "m",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } },
            { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}`, detail: "low" } },
            { type: "image_url", image_url: { url: "https://example.com/cat.png" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
          ],
        },
      ],
    }),
    whole: message('[{"type":"text","text":"A cat."}]', { stop_reason: "end_turn", stop_sequence: null, usage: used }),
    stream: [start(used), text(0, "A cat."), end("end_turn", used)],
  },
  {
    name: "thinking",
    request: json({
      ...hello,
      thinking: { type: "enabled", budget_tokens: 1024 },
      messages: [
        ...hello.messages,
        {
          role: "assistant",
          content: "Hm.",
          reasoning_content: "They greet.",
          thinking_blocks: [
            { type: "thinking", thinking: "They greet.", signature: "c2ln+/==" },
            { type: "redacted_thinking", data: "b3BhcXVl" },
          ],
        },
        { role: "user", content: "And?" },
      ],
    }),
    whole: message(
      '[{"type":"thinking","thinking":"So it is.","signature":"c2ln+/=="},{"type":"redacted_thinking","data":"b3BhcXVl"},{"type":"text","text":"Yes."}]',
      {
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: { ...used, output_tokens_details: { thinking_tokens: 3 } },
      },
    ),
    stream: [
      start(used),
      block(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "So it " },
        { type: "thinking_delta", thinking: "is." },
        { type: "signature_delta", signature: "c2ln+/==" },
      ),
      block(1, { type: "redacted_thinking", data: "b3BhcXVl" }),
      text(2, "Yes."),
      end("end_turn", { output_tokens: 5, output_tokens_details: { thinking_tokens: 3 } }),
    ],
  },
  {
    name: "structured output and a full cache",
    request: `{"model":"m","messages":[{"role":"user","content":"id 1"}],"stream_options":{"include_usage":true},"response_format":{"type":"json_schema","json_schema":{"name":"file","strict":true,"schema":${schema}}}}`,
    whole: message(String.raw`[{"type":"text","text":"{\"id\":1}"}]`, {
      stop_reason: "max_tokens",
      stop_sequence: null,
      usage: { input_tokens: 2, cache_creation_input_tokens: 30, cache_read_input_tokens: 400, output_tokens: 5 },
    }),
    stream: [
      start({ input_tokens: 2, cache_creation_input_tokens: 30, cache_read_input_tokens: 400, output_tokens: 1 }),
      text(0, '{"id":', "1}"),
      end("max_tokens", { output_tokens: 5, input_tokens: null }),
    ],
  },
  {
    name: "a refusal",
    request: json(hello),
    whole: message("[]", { stop_reason: "refusal", stop_sequence: null, usage: used }),
    stream: [start(used), end("refusal", used)],
  },
  {
    name: "an error",
    request: json(hello),
    whole: json({ type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" }),
    stream: [
      start(used),
      text(0, "Ave"),
      event("error", { error: { type: "overloaded_error", message: "Overloaded" } }),
    ],
    fails: true,
  },
  {
    name: "truncated",
    request: json(hello),
    whole: '{"id":"msg_1","content":[{"type":"text","text":"A',
    stream: [
      start(used),
      text(0, "Ave"),
      event("content_block_start", { index: 1, content_block: { type: "text", text: "" } }),
    ],
    fails: true,
  },
];

/** An Anthropic caller, a provider of OpenAI's dialect. */
export const toOpenai: readonly Scenario[] = [
  {
    name: "plain",
    request: json({
      ...hello,
      max_tokens: 99,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [...hello.messages, { role: "system", content: "In Latin." }],
      temperature: 0.7,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      metadata: { user_id: "u-1" },
      output_config: { effort: "max" },
      thinking: { type: "adaptive" },
    }),
    whole: completion({ content: "Ave é𝄞" }, "stop", {
      prompt_tokens: 432,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 400, cache_write_tokens: 30 },
    }),
    stream: [
      delta({ role: "assistant", content: "" }),
      delta({ content: "Ave " }),
      delta({ content: "é𝄞" }),
      delta({}, "stop"),
      totals({
        prompt_tokens: 432,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 400, cache_write_tokens: 30 },
      }),
    ],
  },
  {
    name: "tools",
    request: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Look up 9007199254740993"}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"tools":[{"name":"look_up","description":"Looks up","strict":true,"input_schema":${schema}}]}`,
    whole: completion(
      {
        content: "I look.",
        tool_calls: [
          {
            id: "call_1",
            type: "function",
            function: { name: "look_up", arguments: '{"id":9007199254740993,"share":1.0}' },
          },
        ],
      },
      // As some servers end an answer that calls tools.
      "stop",
    ),
    stream: [
      delta({ role: "assistant", content: "I look." }),
      toolDelta(0, { id: "call_1", type: "function", function: { name: "look_up", arguments: "" } }),
      toolDelta(0, { function: { arguments: '{"id":90071' } }),
      toolDelta(0, { function: { arguments: '99254740993,"share":1.0}' } }),
      delta({}, "stop"),
      totals(),
    ],
  },
  {
    name: "parallel tools",
    request: `{"model":"m","max_tokens":9,"tools":[{"name":"now","input_schema":{"type":"object"}}],"messages":[
      {"role":"user","content":"What time is it?"},
      {"role":"assistant","content":[{"type":"text","text":"I ask both."},{"type":"tool_use","id":"toolu_1","name":"now","input":{"zone":"UTC","n":9007199254740993}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"12:00"},{"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"no clock"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${pixel}"}}]},{"type":"text","text":"And in Rome?"}]}]}`,
    whole: completion(
      {
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "now", arguments: "" } },
          { id: "call_2", type: "function", function: { name: "now", arguments: '{"zone":"CET"}' } },
        ],
      },
      "tool_calls",
    ),
    stream: [
      delta({ role: "assistant", content: null }),
      toolDelta(0, { id: "call_1", type: "function", function: { name: "now", arguments: "" } }),
      toolDelta(1, { id: "call_2", type: "function", function: { name: "now", arguments: '{"zone":' } }),
      toolDelta(1, { function: { arguments: '"CET"}' } }),
      delta({}, "tool_calls"),
      totals(),
    ],
  },
  {
    name: "images and documents",
    request: json({
      model: "m",
      max_tokens: 9,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
            { type: "image", source: { type: "url", url: "https://example.com/cat.png" } },
            {
              type: "document",
              title: "a.pdf",
              source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
            },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "A cat is a cat." } },
          ],
        },
      ],
    }),
    whole: completion({ content: "A cat." }, "length"),
    stream: [delta({ role: "assistant", content: "A cat." }), delta({}, "length"), totals()],
  },
  {
    name: "thinking",
    request: json({
      ...hello,
      max_tokens: 9,
      messages: [
        ...hello.messages,
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "They greet.", signature: "c2ln+/==" },
            { type: "redacted_thinking", data: "b3BhcXVl" },
            { type: "text", text: "Hm." },
            { type: "text", text: "Well." },
          ],
        },
        { role: "user", content: "And?" },
      ],
    }),
    whole: completion({ reasoning_content: "So it is.", content: "Yes." }, "stop", {
      prompt_tokens: 12,
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 3 },
    }),
    stream: [
      delta({ role: "assistant", content: "" }),
      delta({ reasoning_content: "So it " }),
      delta({ reasoning_content: "is." }),
      delta({ content: "Yes." }),
      delta({}, "stop"),
      totals({ prompt_tokens: 12, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 3 } }),
    ],
  },
  {
    name: "structured output",
    request: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"id 1"}],"output_config":{"effort":"low","format":{"type":"json_schema","schema":${schema}}}}`,
    whole: completion({ content: '{"id":1}' }, "stop"),
    stream: [delta({ role: "assistant", content: '{"id":' }), delta({ content: "1}" }), delta({}, "stop"), totals()],
  },
  {
    name: "a refusal",
    request: json({ ...hello, max_tokens: 9 }),
    whole: completion({ refusal: "I will not." }, "stop"),
    stream: [
      delta({ role: "assistant", refusal: "" }),
      delta({ refusal: "I will " }),
      delta({ refusal: "not." }),
      delta({}, "stop"),
      totals(),
    ],
  },
  {
    name: "an error",
    request: json({ ...hello, max_tokens: 9 }),
    whole: json({ error: { message: "The engine is full.", type: "server_error", param: null, code: null } }),
    stream: [
      delta({ role: "assistant", content: "Ave" }),
      `data: ${json({ error: { message: "The engine is full.", type: "server_error", param: null, code: 503 } })}\n\n`,
    ],
    fails: true,
  },
  {
    name: "truncated",
    request: json({ ...hello, max_tokens: 9 }),
    whole: '{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"A',
    stream: [
      delta({ role: "assistant", content: "Ave" }),
      toolDelta(0, { id: "call_1", type: "function", function: { name: "now", arguments: '{"a' } }),
    ],
    fails: true,
  },
];
