import { type Protocol, protocols } from "../core/operation.ts";

/** One field an expression may read. */
export interface Field {
  /** A CEL type, or the name of another shape. */
  readonly type: string;
  readonly description: string;
  /** The property it is read from, where the name differs, or two with a dot between them. */
  readonly from?: string;
  /** `always`: only a call has it. `when empty`: an empty value means that, in a list, it is not known yet. */
  readonly callOnly?: "always" | "when empty";
  /** Not every call has it: what the error says that reading it is then. */
  readonly absent?: string;
}

export type Shape = Readonly<Record<string, Field>>;

/** Every type the environment knows, by the path under which it is read. Docs, views and checks come from here. */
// oxfmt-ignore
export const shapes = {
  principal: {
    id:      { type: "string", description: "Issuer and subject together." },
    issuer:  { type: "string", description: "Who vouches for the caller." },
    subject: { type: "string", description: "The caller, as the issuer names it." },
    client:  { type: "string", description: "The OAuth client in use; empty when the credential names none." },
    tenant:  { type: "string", description: "The team or product the caller belongs to, by its credential; empty when that names none." },
    scopes:  { type: "list<string>", description: "OAuth scopes the credential carries." },
    groups:  { type: "list<string>", description: "Groups from the credential." },
    claims:  { type: "map<string, dyn>", description: "All claims as they stood in the credential, untyped." },
    actors:  { type: "list<actor>", description: "Who acts for the subject, nearest first; empty when nobody does." },
  },
  actor: {
    issuer:  { type: "string", description: "Who vouches for the actor." },
    subject: { type: "string", description: "The actor, as the issuer names it." },
  },
  request: {
    method:  { type: "string", description: "The HTTP method, upper case." },
    path:    { type: "string", description: "The absolute path, canonical." },
    host:    { type: "string", description: "The host that was called, lower case and without its port." },
    route:   { type: "string", description: "The route that was taken: the name of one under `routes`, or the path that serves a protocol, such as `/mcp`." },
    tags:    { type: "list<string>", description: "The words that this route has under `tags`." },
    rule:    { type: "string", description: "The name of the rule of that route which was taken; empty where it has none." },
    tenant:  { type: "string", description: "The tenant the call is counted for: `principal.tenant`, else that of the MCP server or agent that is called, else of the route. No proof of who calls." },
    listener: { type: "string", description: "The listener it came by: the name of one under `listeners`, or `main`." },
    headers: { type: "map<string, string>", description: "Header fields by lower-case name." },
    ip:      { type: "string", description: "The caller's address, behind the trusted proxies." },
    time:    { type: "google.protobuf.Timestamp", from: "receivedAtMs", description: "When the request arrived." },
  },
  mcp: {
    method:   { type: "string", description: "The MCP method, such as `tools/call`; items of a list are judged as the call to them." },
    server:   { type: "string", description: "The configured name of the server that offers the target." },
    tool:     { type: "mcp.tool", description: "The tool, when one is the target." },
    resource: { type: "mcp.resource", description: "The resource, when one is the target." },
    prompt:   { type: "mcp.prompt", description: "The prompt, when one is the target." },
  },
  "mcp.tool": {
    name:        { type: "string", description: "Its name on its server; empty when no tool is the target." },
    arguments:   { type: "map<string, dyn>", callOnly: "always", description: "What the caller passes, untyped; empty when nothing." },
    annotations: { type: "map<string, dyn>", description: "What its server says of it, such as `readOnlyHint`; a hint, not a promise." },
  },
  "mcp.resource": {
    uri: { type: "string", description: "Its URI; empty when no resource is the target." },
  },
  "mcp.prompt": {
    name:      { type: "string", description: "Its name on its server; empty when no prompt is the target." },
    arguments: { type: "map<string, dyn>", callOnly: "always", description: "What the caller passes, untyped." },
  },
  a2a: {
    method:  { type: "string", callOnly: "when empty", description: "The A2A operation, such as `SendMessage`." },
    agent:   { type: "string", description: "The configured name of the agent." },
    skill:   { type: "string", callOnly: "when empty", description: "The skill asked for; empty when the message names none." },
    task:    { type: "a2a.task", description: "The task the operation is about." },
    context: { type: "string", callOnly: "when empty", description: "The context id; empty for a new one." },
    message: { type: "a2a.message", description: "The message sent." },
    version: { type: "string", callOnly: "when empty", description: "The A2A version the caller speaks." },
  },
  "a2a.task": {
    id:    { type: "string", callOnly: "when empty", description: "Its id; empty when there is no task yet." },
    state: { type: "string", callOnly: "when empty", description: "Its last known state." },
    owner: { type: "string", callOnly: "when empty", description: "The principal id of its owner." },
  },
  "a2a.message": {
    parts:    { type: "list<dyn>", callOnly: "always", description: "Its parts, untyped." },
    metadata: { type: "map<string, dyn>", callOnly: "always", description: "Its metadata, untyped; empty when none." },
  },
  llm: {
    model:     { type: "string", description: "The configured name of the model: the one asked for, which may be a virtual one, and then of each candidate." },
    provider:  { type: "string", callOnly: "when empty", description: "The provider of the candidate that is judged; `sallyport` of a virtual model." },
    dialect:   { type: "string", callOnly: "when empty", description: "The wire format the caller speaks, such as `openai`." },
    stream:    { type: "bool", callOnly: "always", description: "Whether the answer is streamed." },
    messages:  { type: "list<dyn>", callOnly: "always", description: "The messages, untyped." },
    tools:     { type: "list<dyn>", callOnly: "always", description: "The tools offered to the model, untyped." },
    maxTokens: { type: "int", callOnly: "always", description: "The caller's bound on the answer; 0 when none." },
    complexity: { type: "double", from: "complexity.score", callOnly: "always", absent: "nobody has said how hard this call is", description: "How hard the call seems, 0 to 1: 0.5 is an exam question of the middle. Measured when first read." },
    signals:   { type: "llm.signals", from: "complexity.parts", callOnly: "always", absent: "nobody has said how hard this call is", description: "What `llm.complexity` is made of." },
    tokens:    { type: "llm.tokens", description: "Counts of tokens." },
    cost:      { type: "double", callOnly: "always", absent: "nobody can say what this call costs at most: it has no bound on its answer, or its model no price", description: "What the call costs at most, in dollars. An error where it has no bound on its answer, or its model no price." },
  },
  "llm.tokens": {
    input:  { type: "int", callOnly: "always", absent: "nobody can say how many tokens go in", description: "Tokens of the prompt, at most: no vocabulary makes more than its bytes, and an image counts as 8,192." },
    output: { type: "int", callOnly: "always", absent: "this call has no bound on its answer", description: "Tokens of the answer, at most, over all its choices. An error where the caller set no bound." },
  },
  "llm.signals": {
    length:    { type: "double", callOnly: "always", description: "Size of the prompt and of what stands before it, 0 to 1." },
    structure: { type: "double", callOnly: "always", description: "Lines, items of lists, sentences, questions and clauses, 0 to 1." },
    code:      { type: "double", callOnly: "always", description: "Code, its signs and its words, 0 to 1." },
    maths:     { type: "double", callOnly: "always", description: "Numbers, operators and words of mathematics, 0 to 1." },
    language:  { type: "double", callOnly: "always", description: "Long, learned and foreign words, and words that ask for reasons, 0 to 1." },
    depth:     { type: "double", callOnly: "always", description: "Earlier turns of the conversation, 0 to 1." },
    tools:     { type: "double", callOnly: "always", description: "Tools offered and results of tools, 0 to 1." },
  },
  chain: {
    id:      { type: "string", description: "The trace id of the root request." },
    depth:   { type: "int", description: "Handoffs since the root; 0 at the root." },
    root:    { type: "string", description: "The principal id of whoever made the root request." },
    path:    { type: "list<string>", description: "The agents the chain passed through, oldest first." },
    spent:   { type: "double", callOnly: "always", description: "What the chain has cost so far, in dollars: last known." },
    tainted: { type: "bool", callOnly: "always", description: "Whether words of a tool or an agent that read like an instruction have entered it: last known." },
  },
  budget: {},
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof shapes;

export type VariableName = "principal" | "request" | "mcp" | "a2a" | "llm" | "chain" | "budget";

/** The variables of the environment: the shape of the same name, and the protocols whose operations have it. */
export const variables: Readonly<
  Record<VariableName, { readonly on: readonly Protocol[]; readonly description: string }>
> = {
  principal: { on: protocols, description: "Who calls." },
  request: { on: protocols, description: "The HTTP request that carries the operation." },
  mcp: { on: ["mcp"], description: "An operation toward MCP servers." },
  a2a: { on: ["a2a"], description: "An operation toward A2A agents." },
  llm: { on: ["llm"], description: "An operation toward models." },
  chain: { on: protocols, description: "All operations that one root request set off." },
  budget: {
    on: protocols,
    description: '`budget.remaining("name")`: the share that is left of a budget, 0 to 1; last known.',
  },
};

export const isShape = (type: string): type is ShapeName => Object.hasOwn(shapes, type);
export const fieldsOf = (shape: ShapeName): Shape => shapes[shape];

/** The variables that operations of all these protocols have. */
export function variablesOn(on: readonly Protocol[]): VariableName[] {
  return (Object.keys(variables) as VariableName[]).filter((name) =>
    on.every((protocol) => variables[name].on.includes(protocol)),
  );
}
