import { variants } from "../../../core/extension.ts";
import { maxScorePicker } from "./max-score.ts";
import { randomPicker } from "./random.ts";
import { roundRobinPicker } from "./round-robin.ts";
import { weightedRandomPicker } from "./weighted-random.ts";

/** Every way to choose, under the field's names where it has one. */
export const choosers = [maxScorePicker, randomPicker, roundRobinPicker, weightedRandomPicker] as const;

/** A profile's `picker:` in the configuration. */
export const chooserSchema = variants(choosers);
