const LINE_FEED = 0x0a;

/** Cuts a stream into lines and parses each as JSON. Throws a SyntaxError for what is none, and for a line longer than `limitBytes`. */
export async function* readJsonLines(body: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      const end = chunk.subarray(from, at);
      const line = held.length === 0 ? end : Buffer.concat([...held, end]);
      held = [];
      heldBytes = 0;
      from = at + 1;
      if (line.length > 0) yield JSON.parse(line.toString("utf8"));
    }
    if (from === chunk.length) continue;
    const rest = chunk.subarray(from);
    held.push(rest);
    heldBytes += rest.length;
    if (heldBytes > limitBytes) throw new SyntaxError(`a line is longer than ${limitBytes} bytes`);
  }
  /* What is left is half a line of a connection that broke off: whoever asks again gets it whole. */
}
