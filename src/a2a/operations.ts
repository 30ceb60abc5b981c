import type { A2aVariables } from "../core/operation.ts";

/** The versions this gateway speaks, as Major.Minor (A2A 1.0, section 3.6). */
export const versions = ["1.0", "0.3"] as const;
export type Version = (typeof versions)[number];

/** The canonical names: those of 1.0. */
export type A2aMethod =
  | "SendMessage"
  | "SendStreamingMessage"
  | "GetTask"
  | "ListTasks"
  | "CancelTask"
  | "SubscribeToTask"
  | "CreateTaskPushNotificationConfig"
  | "GetTaskPushNotificationConfig"
  | "ListTaskPushNotificationConfigs"
  | "DeleteTaskPushNotificationConfig"
  | "GetExtendedAgentCard";

export interface MethodSpec {
  readonly method: A2aMethod;
  /** What the method acts on: decides the checks and the policy target. `push` is refused, `list` is filtered. */
  readonly subject: "message" | "task" | "list" | "push" | "card";
  readonly stream: boolean;
  /** The name in 0.3; undefined where 0.3 has none over JSON-RPC. */
  readonly legacy: string | undefined;
}

/** Every method of A2A over JSON-RPC, and what it was called in 0.3 (A2A 1.0, section 9.4 and appendix A). */
// oxfmt-ignore
const table: readonly MethodSpec[] = [
  { method: "SendMessage",                      subject: "message", stream: false, legacy: "message/send" },
  { method: "SendStreamingMessage",             subject: "message", stream: true,  legacy: "message/stream" },
  { method: "GetTask",                          subject: "task",    stream: false, legacy: "tasks/get" },
  { method: "CancelTask",                       subject: "task",    stream: false, legacy: "tasks/cancel" },
  { method: "SubscribeToTask",                  subject: "task",    stream: true,  legacy: "tasks/resubscribe" },
  { method: "ListTasks",                        subject: "list",    stream: false, legacy: undefined },
  { method: "CreateTaskPushNotificationConfig", subject: "push",    stream: false, legacy: "tasks/pushNotificationConfig/set" },
  { method: "GetTaskPushNotificationConfig",    subject: "push",    stream: false, legacy: "tasks/pushNotificationConfig/get" },
  { method: "ListTaskPushNotificationConfigs",  subject: "push",    stream: false, legacy: "tasks/pushNotificationConfig/list" },
  { method: "DeleteTaskPushNotificationConfig", subject: "push",    stream: false, legacy: "tasks/pushNotificationConfig/delete" },
  { method: "GetExtendedAgentCard",             subject: "card",    stream: false, legacy: "agent/getAuthenticatedExtendedCard" },
];

const current = new Map(table.map((spec) => [spec.method as string, spec]));
const legacy = new Map(table.flatMap((spec) => (spec.legacy === undefined ? [] : [[spec.legacy, spec] as const])));

/** The method `name` means in `version`; undefined when that version has no such method. */
export function findMethod(version: Version, name: string): MethodSpec | undefined {
  return (version === "1.0" ? current : legacy).get(name);
}

/** Major.Minor of a version as sent: an empty one means 0.3, a patch number is ignored (sections 3.6 and 3.6.2). */
export function normaliseVersion(sent: string): string {
  const text = sent.trim();
  if (text === "") return "0.3";
  return /^(\d{1,4}\.\d{1,4})(\.\d{1,6})?$/.exec(text)?.[1] ?? text;
}

export const isVersion = (text: string): text is Version => (versions as readonly string[]).includes(text);

/** What CEL sees of an operation that names nothing but its agent. */
export function emptyVariables(agent: string, method: string, version: string): A2aVariables {
  return {
    method,
    agent,
    skill: "",
    task: { id: "", state: "", owner: "" },
    context: "",
    message: { parts: [], metadata: {} },
    version,
  };
}
