/** Text from outside as people are shown it: it may move no cursor, colour nothing, and turn no reading direction. */

// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The characters of a text that a message shows at most. */
const LONGEST = 80;

/**
 * A text with a mark in the place of each control character, line ends included.
 *
 * @example
 * ```ts
 * import { printable } from "@residua/residua/core";
 * console.log(printable("a\x1b[31mb\n")); // "a\ufffd[31mb\ufffd"
 * ```
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, "\ufffd");
}

/** Text from a file as a message may show it: of bounded length, without control characters. */
export function showText(text: string): string {
  return printable(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}
