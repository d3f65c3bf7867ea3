/** A sheet of drawings as SVG: a title, a key, and the drawings below each other. */

import { cutText, printable, textWidth } from "../core/mod.ts";

/** The colour of texts, and of what is neither of training nor of validation. */
export const INK = "#222";
const HEAD = 44;
/** The font of all texts. */
export const FONT_FAMILY = "system-ui, sans-serif";

/** The pixels of a column of text, by its size: those of a letter that is rather wide. */
export function pixels(columns: number, fontSize: number): number {
  return 0.62 * fontSize * columns;
}

/** The sizes of titles and keys, the least space at their sides, and the most lines of a title. */
const TITLE = 15, KEY = 12, SIDE = 14, MOST_TITLE = 3;

/** A title in lines that fit a width, the last of them cut where it needs more. */
function titleLines(title: string, width: number): string[] {
  const columns = Math.floor((width - 2 * SIDE) / pixels(1, TITLE)), lines = [""];
  for (const word of printable(title).split(" ")) {
    const last = lines.at(-1)!, longer = last === "" ? word : `${last} ${word}`;
    if (last === "" || textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, MOST_TITLE);
  if (lines.length > MOST_TITLE) kept[MOST_TITLE - 1] += ` ${lines.slice(MOST_TITLE).join(" ")}`;
  return kept.map((line) => cutText(line, columns));
}

/** Stacks drawings under a title, on white. */
export function page(
  title: string,
  key: readonly (readonly [string, string])[],
  width: number,
  parts: readonly string[][],
): string {
  const lines = titleLines(title, width), keyColumns = key.reduce((sum, [name]) => sum + textWidth(name) + 4, 0);
  const used = SIDE + pixels(textWidth(lines.at(-1)!), TITLE);
  // The key stands behind the title, or on a line of its own.
  const below = key.length > 0 && used + pixels(keyColumns, KEY) > width - SIDE ? 1 : 0;
  let y = HEAD + 20 * (lines.length - 1 + below), body = "";
  for (const [height, svg] of parts) {
    body += svg.replace("<svg ", `<svg x="0" y="${y}" `);
    y += Number(height);
  }
  const keys = key.map(([name, colour], k) =>
    `<tspan ${below === 1 && k === 0 ? `x="${SIDE}" dy="20"` : 'dx="14"'} fill="${colour}">● ${escape(name)}</tspan>`
  ).join("");
  const text = lines.map((line, k) => `<tspan x="${SIDE}" y="${26 + 20 * k}">${escape(line)}</tspan>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" ` +
    `font-family="${FONT_FAMILY}"><rect width="100%" height="100%" fill="white"/>` +
    `<text font-size="${TITLE}" font-weight="600" fill="${INK}">${text}` +
    `<tspan font-size="${KEY}" font-weight="400">${keys}</tspan></text>${body}</svg>\n`;
}

/** Text as it may stand in an SVG. */
export function escape(text: string): string {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
