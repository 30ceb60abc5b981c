/* Their halves are whole numbers from 10 on, and short ones before. */
const factors = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];
const smallFactors = [1, 2, 4, 6, 8, 10];

/** A round number at or above `value`, of which halves are round too. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const step = (unit < 10 ? smallFactors : factors).find((factor) => factor * unit >= value) ?? 10;
  return step * unit;
}

/** Each layer laid on those before it: for every layer its lower and its upper line. */
export function stack(
  layers: readonly (readonly number[])[],
): readonly { readonly lower: readonly number[]; readonly upper: readonly number[] }[] {
  let floor: readonly number[] = (layers[0] ?? []).map(() => 0);
  return layers.map((values) => {
    const lower = floor;
    floor = values.map((value, at) => value + (lower[at] ?? 0));
    return { lower, upper: floor };
  });
}

/* With fewer columns than that a chart is blocks. */
const FEWEST = 12;

/** From which value on a chart shows them: one before the first that is not nothing, so that a short history fills it. */
export function firstShown(values: readonly number[], fewest = FEWEST): number {
  const first = values.findIndex((value) => value > 0);
  return first === -1 ? 0 : Math.max(0, Math.min(first - 1, values.length - fewest));
}
