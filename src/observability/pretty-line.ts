const colours: Readonly<Record<string, string>> = {
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};
const RESET = "\x1b[0m";
const DIM = "\x1b[2m";

/* A log line shows what callers sent: control characters would let them move the cursor of whoever reads it. */
const visible = (text: string): string =>
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    character === "\n" ? "\n" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** One JSON line of the log as text for a terminal. */
export function toPrettyLine(line: string): string {
  const { level, time, message, error, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = String(level);
  const rest = Object.keys(fields).length === 0 ? "" : ` ${DIM}${visible(JSON.stringify(fields))}${RESET}`;
  const stack = (error as { stack?: unknown } | undefined)?.stack;
  const failure = error === undefined ? "" : `\n${visible(typeof stack === "string" ? stack : JSON.stringify(error))}`;
  return `${String(time).slice(11, 23)} ${colours[label] ?? ""}${label.padEnd(5)}${RESET} ${visible(String(message))}${rest}${failure}\n`;
}
