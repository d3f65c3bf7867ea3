/** How texts fit the width of a terminal: wrapped between words, fields left out by importance, names shortened. */

import { printable, textWidth } from "../../core/mod.ts";

/** The width of what is no terminal, in characters. */
const STANDARD_WIDTH = 80;

/** The least width that is heeded: below it, lines wrap. */
const LEAST_WIDTH = 20;

/** The columns of a stream's terminal, or 80 where it is none. */
export function widthOf(stream: { isTerminal(): boolean } = Deno.stdout): number {
  if (!stream.isTerminal()) return STANDARD_WIDTH;
  try {
    return Math.max(LEAST_WIDTH, Deno.consoleSize().columns || STANDARD_WIDTH);
  } catch {
    // A terminal that does not tell its size.
    return STANDARD_WIDTH;
  }
}

/**
 * Breaks a text's lines between words. A number stays with the word after it, which is its unit; a word that is longer
 * than a line has one of its own.
 *
 * @param text The text.
 * @param width The characters of a line.
 * @param indent What begins the lines after the first. Defaults to two spaces.
 *
 * @example
 * ```ts
 * import { wrapText } from "./layout.ts";
 * console.log(wrapText("memory 63.0 MiB: 50.2 MiB for a step", 20)); // "memory 63.0 MiB:\n  50.2 MiB for a\n  step"
 * ```
 */
export function wrapText(text: string, width: number, indent = "  "): string {
  return text.split("\n").map((line) => wrapLine(line, width, indent)).join("\n");
}

function wrapLine(line: string, width: number, indent: string): string {
  if (textWidth(line) <= width) return line;
  const [first, ...words] = line.split(/(?<=\S)(?<!\d) +(?=\S)/), lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (textWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join("\n");
}

/** A part of a line. */
export interface Field {
  /** What it says. */
  readonly text: string;
  /** The fields of the greatest rank are the first to be left out. */
  readonly rank: number;
}

/** The fields, in their order, that fit a line with two spaces between them: all, or those of the least ranks. */
export function fitFields(fields: readonly Field[], width: number): Field[] {
  const kept = [...fields];
  const length = () => kept.reduce((sum, { text }) => sum + textWidth(text) + 2, -2);
  while (kept.length > 1 && length() > width) {
    const last = kept.reduce((least, { rank }) => Math.max(least, rank), -Infinity);
    kept.splice(kept.findLastIndex(({ rank }) => rank === last), 1);
  }
  return kept;
}

/** A name of at most `width` characters, its end kept: that is what tells files apart. */
export function shortenName(name: string, width: number): string {
  return name.length <= width ? name : `…${name.slice(name.length - Math.max(0, width - 1))}`;
}

/** Prints lines for people as they are, but for control characters of names in them. */
export function printLines(text: string): void {
  console.log(text.split("\n").map(printable).join("\n"));
}

/** Prints a text for people, wrapped to standard output's width. */
export function printText(text: string): void {
  printLines(wrapText(text, widthOf()));
}

/** Prints a sentence on standard error; on a terminal in place of a progress line there, and wrapped to its width. */
export function printNotice(text: string): void {
  const isTerminal = Deno.stderr.isTerminal(), line = printable(text);
  rewriteLine("");
  console.error(isTerminal ? wrapText(line, widthOf(Deno.stderr)) : line);
}

/**
 * Replaces the last line of standard error's terminal, which has no end yet, and a live view that begins with it; nothing happens
 * where there is no terminal.
 */
export function rewriteLine(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[J${text}`));
  } catch {
    // The terminal was closed. What is on its way to a file goes on.
  }
}
