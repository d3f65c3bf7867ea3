/** How far two colours stand apart, as WCAG 2.2 counts it. */

/** The least contrast of text, and of what is no text but has to be seen: level AA. */
export const TEXT = 4.5, MARK = 3;

/** The bytes of a colour of three or six hexadecimal digits. */
export function bytesOf(colour: string): number[] {
  const digits = colour.replace("#", ""), long = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  return [0, 2, 4].map((at) => parseInt(long.slice(at, at + 2), 16));
}

/** Relative luminance. */
function luminance(colour: readonly number[]): number {
  const [red, green, blue] = colour.map((byte) =>
    byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of two colours, from 1 to 21. */
export function contrast(one: readonly number[], other: readonly number[]): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
