import type { QuickstartProcess } from "../quickstart-process.ts";

/** What a scene has at hand. */
export interface Stage {
  readonly gateway: QuickstartProcess;
  /** One line of what happened, or why. */
  tell(line: string): void;
  /** Ends the demo with this sentence unless it holds. */
  check(holds: boolean, sentence: string): void;
}

/** One capability, shown against the running gateway. */
export interface Scene {
  readonly title: string;
  play(stage: Stage): Promise<void>;
}
