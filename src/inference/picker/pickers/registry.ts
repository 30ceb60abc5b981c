import { variants } from "../../../core/extension.ts";
import { maxScorePicker } from "./max-score.ts";
import { weightedRandomPicker } from "./weighted-random.ts";

/** Every way to choose by scores, under the field's names. */
export const choosers = [maxScorePicker, weightedRandomPicker] as const;

/** A profile's `picker:` in the configuration. */
export const chooserSchema = variants(choosers);
