/** Axes of drawings: where a value lies, and which values are named. */

/** How values are spread along an axis. A log axis has no place for zero, and leaves such points out. */
export type AxisScale = 'linear' | 'log';

/** An axis that is ready to be drawn on. */
export interface Axis {
  /** From 0 at its beginning to 1 at its end; undefined for what has no place on it. */
  place(value: number): number | undefined;
  readonly ticks: readonly number[];
}

/** Ticks of a linear axis, about. */
const TICKS = 5;

/** An axis on which all these values have room. A linear one begins at zero: lengths are compared on it. */
export function axisFor(scale: AxisScale, values: readonly number[]): Axis {
  return scale === 'linear' ? linearAxis(Math.max(0, ...values)) : logAxis(values.filter((value) => value > 0));
}

/** A log axis on which just these values are named, for steps that were chosen. */
export function stepAxis(steps: readonly number[]): Axis {
  const positive = steps.filter((step) => step > 0);
  const [low, high] = [Math.min(...positive), Math.max(...positive)];
  return { place: logPlace(low, high), ticks: positive };
}

function linearAxis(most: number): Axis {
  const step = roundStep((most > 0 ? most : 1) / TICKS);
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return {
    place: (value) => (value < 0 ? undefined : value / (count * step)),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  };
}

function logAxis(values: readonly number[]): Axis {
  const [low, high] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)];
  const decades = Math.log10(high / low);
  // Over many decades their powers are enough; over few, values between them are named too.
  const parts = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const exponents = Array.from({ length: 40 }, (_, index) => index - 20);
  const all = exponents.flatMap((exponent) => parts.map((part) => Number(`${part}e${exponent}`)));
  const from = all.findLast((tick) => tick <= low) ?? low;
  const to = all.find((tick) => tick >= high && tick > from) ?? high;
  return { place: logPlace(from, to), ticks: all.filter((tick) => tick >= from && tick <= to) };
}

function logPlace(low: number, high: number): Axis['place'] {
  return (value) => (value <= 0 ? undefined : high === low ? 0.5 : Math.log(value / low) / Math.log(high / low));
}

/** The next of 1, 2, 5, 10, 20, 50 ... */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((part) => part * power >= least * (1 - 1e-9)) ?? 10);
}
