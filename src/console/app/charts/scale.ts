/** A round number at or above `value`, of which halves are round too. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((factor) => factor * unit >= value) ?? 10;
  return step * unit;
}

const digits = (value: number): string => String(Math.round(value * 100) / 100);

/** The path of a line through values at equal distances, `width` by `height`, from the lower left. */
export function linePath(values: readonly (number | undefined)[], most: number, width: number, height: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let pen = "M";
  return values
    .map((value, at) => {
      if (value === undefined) {
        pen = "M";
        return "";
      }
      const point = `${pen}${digits(at * step)} ${digits(height - (value / most) * height)}`;
      pen = "L";
      return point;
    })
    .join("");
}

/** The path round the area between two lines. */
export function areaPath(
  lower: readonly number[],
  upper: readonly number[],
  most: number,
  width: number,
  height: number,
): string {
  const step = upper.length > 1 ? width / (upper.length - 1) : 0;
  const back = lower
    .map((value, at) => `L${digits(at * step)} ${digits(height - (value / most) * height)}`)
    .toReversed()
    .join("");
  return `${linePath(upper, most, width, height)}${back}Z`;
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
