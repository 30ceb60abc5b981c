/* What a caller may see of a provider's headers. Not its cookies, its organization, nor its rate limits: those are of the account that all
   tenants share. */
const passed = ["openai-processing-ms", "openai-version", "retry-after", "retry-after-ms", "x-should-retry"] as const;

/** The headers of an answer; the provider's request id goes by another name beside the gateway's own. */
export function toAnswerHeaders(
  contentType: string,
  upstream: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = { "content-type": contentType };
  for (const name of passed) {
    const value = upstream[name];
    if (value !== undefined) headers[name] = value;
  }
  const requestId = upstream["x-request-id"] ?? upstream["request-id"];
  if (requestId !== undefined) headers["x-upstream-request-id"] = requestId;
  return headers;
}
