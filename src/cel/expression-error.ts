/** An expression that cannot be used. `message` tells what is wrong and what to write, `line` and `column` (from 1) where in the expression. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
  readonly line: number;
  readonly column: number;
  /** The line of the expression with a mark under the place. */
  readonly excerpt: string;

  constructor(message: string, source: string, offset: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    const before = source.slice(0, offset).split("\n");
    this.line = before.length;
    this.column = (before.at(-1)?.length ?? 0) + 1;
    this.excerpt = `${source.split("\n")[this.line - 1] ?? ""}\n${" ".repeat(this.column - 1)}^`;
  }
}
