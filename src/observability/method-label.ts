import type { Protocol } from "../core/operation.ts";

/* A caller can send any method name, and each new label value is memory for ever; names outside these are counted as `other`. */
const known: Readonly<Record<Protocol, ReadonlySet<string>>> = {
  mcp: new Set([
    "initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read",
    "resources/subscribe", "resources/unsubscribe", "prompts/list", "prompts/get", "completion/complete", "logging/setLevel", "roots/list",
    "sampling/createMessage", "elicitation/create", "subscriptions/listen", "tasks/get", "tasks/list", "tasks/result", "tasks/cancel", "tasks/update",
    "notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/message",
    "notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
    "notifications/prompts/list_changed", "notifications/roots/list_changed", "notifications/elicitation/complete",
    "notifications/tasks/status", "notifications/tasks",
  ]),
  a2a: new Set([
    "SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask", "SubscribeToTask", "GetExtendedAgentCard",
    "CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig", "ListTaskPushNotificationConfigs", "DeleteTaskPushNotificationConfig",
    "message/send", "message/stream", "tasks/get", "tasks/list", "tasks/cancel", "tasks/resubscribe", "agent/getAuthenticatedExtendedCard",
    "tasks/pushNotificationConfig/set", "tasks/pushNotificationConfig/get", "tasks/pushNotificationConfig/list", "tasks/pushNotificationConfig/delete",
    "GetAgentCard", "PushNotification",
  ]),
  llm: new Set([
    "chat.completions", "completions", "embeddings", "responses", "messages", "messages.count_tokens", "models", "models.list", "models.get",
    "generateContent", "streamGenerateContent", "countTokens", "rerank", "moderations", "audio.transcriptions", "audio.speech", "images.generations", "realtime",
  ]),
};

export const toMethodLabel = (protocol: Protocol, method: string): string => (known[protocol].has(method) ? method : "other");
