export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}
export function locate(bytes: Buffer, path: readonly (string | number)[]): { start: number; end: number } | undefined {
  const s = bytes.toString("latin1");
  let at = 0;
  const ws = () => {
    while (/\s/.test(s[at] ?? "")) at++;
  };
  const str = () => {
    const a = at++;
    while (s[at] !== '"') {
      if (s[at] === "\\") at++;
      at++;
    }
    at++;
    return s.slice(a, at);
  };
  const skip = (): void => {
    ws();
    if (s[at] === '"') {
      str();
      return;
    }
    if (s[at] === "{" || s[at] === "[") {
      let d = 0;
      do {
        if (s[at] === '"') {
          str();
          continue;
        }
        if (s[at] === "{" || s[at] === "[") d++;
        if (s[at] === "}" || s[at] === "]") d--;
        at++;
      } while (d > 0);
      return;
    }
    while (!/[,\]}\s]/.test(s[at] ?? ",")) at++;
  };
  for (const key of path) {
    ws();
    if (s[at] !== "{") return undefined;
    at++;
    for (;;) {
      ws();
      if (s[at] === "}") return undefined;
      if (s[at] === ",") {
        at++;
        continue;
      }
      const k = JSON.parse(str()) as string;
      ws();
      at++;
      if (k === key) break;
      skip();
    }
  }
  ws();
  const start = at;
  skip();
  return { start, end: at };
}
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const out: Buffer[] = [];
  let from = 0;
  for (const e of [...edits].sort((a, b) => a.start - b.start)) {
    out.push(bytes.subarray(from, e.start), Buffer.from(e.text));
    from = e.end;
  }
  out.push(bytes.subarray(from));
  return Buffer.concat(out);
}
