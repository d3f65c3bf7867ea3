/** The bits of f16 numbers, for engines that have neither `Math.f16round` nor `Float16Array`. All of it is exact in float64. */

/** The least positive f16. */
const LEAST = 2 ** -24;
/** What rounds to infinity: from halfway between the largest f16 and the next power of two on. */
const OVERFLOW = 65520;
const SIGN = 0x8000, INFINITE = 0x7c00, NOT_A_NUMBER = 0x7e00;
/** The numbers of an exponent. */
const STEPS = 1024;

/** The bits of the nearest f16, ties to even. */
export function float16Bits(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const sign = value < 0 || Object.is(value, -0) ? SIGN : 0, size = Math.abs(value);
  if (size >= OVERFLOW) return sign | INFINITE;
  // The numbers of an exponent are equally far apart: so many of that distance, rounded to a whole number.
  let exponent = 0, distance = LEAST;
  for (; size >= 2 * STEPS * distance; distance *= 2) exponent++;
  const steps = size / distance, below = Math.floor(steps), rest = steps - below;
  const whole = below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
  // The leading bit of a normal number is not stored, but counts one exponent up; so does what is rounded up to the next.
  return sign | (exponent * STEPS + whole);
}

/** The number that the bits of an f16 mean. */
export function float16Value(bits: number): number {
  const exponent = bits >> 10 & 31, steps = bits % STEPS, sign = bits & SIGN ? -1 : 1;
  if (exponent === 31) return steps === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? steps * LEAST : (STEPS + steps) * 2 ** (exponent - 25));
}

/** The nearest f16, ties to even: `Math.f16round`, where the engine has it. */
export const f16round: (value: number) => number = (Math as { f16round?: (value: number) => number }).f16round ??
  ((value) => float16Value(float16Bits(value)));
