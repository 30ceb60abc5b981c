import type { AnswerEvent, OperationContext } from "../../core/step.ts";
import type { Cut } from "../../http/event-cutter.ts";
import type { StreamReader, StreamScribe } from "../dialects/dialect.ts";
import { isFields } from "../dialects/fields.ts";
import { saySomething } from "../dialects/prelude.ts";
import type { DialectName } from "../model-call.ts";
import type { StreamJudge } from "./stream-judge.ts";
import type { StreamWriter } from "./stream-writer.ts";
import { toFrame } from "./to-frame.ts";

export interface TranslationWay {
  readonly judge: StreamJudge;
  readonly reader: StreamReader;
  readonly scribe: StreamScribe;
  readonly writer: Pick<StreamWriter, "write" | "open">;
  /** The caller's. */
  readonly dialect: DialectName;
  /** The steps that look at answers, if any: they see the caller's dialect. */
  readonly answer: OperationContext["answer"];
}

/** Each event of a provider's stream in the caller's dialect. What was good before an event that is not goes out before the failure. */
export async function passTranslated(cut: Cut, way: TranslationWay): Promise<void> {
  const { judge, reader, scribe, writer, dialect, answer } = way;
  const frames: Buffer[] = [];
  let begun = writer.open;
  const show = async (event: AnswerEvent) => {
    const shown = answer === undefined ? [event] : await answer(event);
    for (const each of shown) frames.push(toFrame(each));
    begun ||= judge.begun && saySomething(dialect, shown);
  };
  try {
    for (const { data } of cut.events) {
      if (data === undefined) continue;
      const { failure, value, keep } = judge.judge(data);
      if (failure !== undefined) throw failure;
      if (!keep) continue;
      const events = judge.done ? reader.finish(judge.usage) : isFields(value) ? reader.read(value) : [];
      for (const event of events) for (const written of scribe(event)) await show(written);
    }
  } finally {
    const pending = frames.length === 0 ? undefined : writer.write(Buffer.concat(frames), begun);
    if (pending !== undefined) await pending;
  }
}
