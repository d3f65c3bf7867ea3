/** Plain tables for the terminal. */

import { cutText, padText, padTextStart, printable, textWidth } from "../../core/mod.ts";

/** Rows in columns: those of texts, the first ones or those of some indices, to the left, the others to the right. */
export function formatTable(
  rows: readonly (readonly (string | number)[])[],
  texts: number | readonly number[] = 1,
): string {
  const isText = (column: number) => typeof texts === "number" ? column < texts : texts.includes(column);
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths = cells[0].map((_, column) => longestOf(cells.map((row) => row[column])));
  return cells.map((row) =>
    row.map((cell, column) => isText(column) ? padText(cell, widths[column]) : padTextStart(cell, widths[column])).join(
      "  ",
    )
      .trimEnd()
  ).join("\n");
}

/** The columns of the longest text; there may be more rows than a call has room for arguments. */
function longestOf(texts: readonly (string | undefined)[]): number {
  return texts.reduce((most, text) => Math.max(most, textWidth(text ?? "")), 0);
}

/** The least characters to which a text is cut. */
const LEAST_TEXT = 10;

/**
 * A table that keeps to a width as far as it can: columns are left out, then texts are cut. Numbers are never cut.
 *
 * @param rows The rows, the first of them the names of the columns.
 * @param texts The indices of the columns that are texts.
 * @param width The characters of a line; Infinity for the whole table.
 * @param spare The names of columns that may be left out, the first of them first.
 */
export function fitTable(
  rows: readonly (readonly (string | number)[])[],
  texts: readonly number[],
  width: number,
  spare: readonly string[],
): string {
  const [head] = rows, hidden = new Set<number>();
  const show = (cells: typeof rows) => {
    const kept = head.map((_, column) => column).filter((column) => !hidden.has(column));
    const shownTexts = kept.flatMap((column, k) => texts.includes(column) ? [k] : []);
    return formatTable(cells.map((row) => kept.map((column) => row[column])), shownTexts);
  };
  const excess = (text: string) => longestOf(text.split("\n")) - width;
  let text = show(rows);
  for (let k = 0; k < spare.length && excess(text) > 0; k++) {
    // A table may have fewer columns than others that name the same ones.
    if (head.includes(spare[k])) hidden.add(head.indexOf(spare[k]));
    text = show(rows);
  }
  let cut = rows.map((row) => row.map(String));
  const longest = (column: number) => longestOf(cut.map((row) => row[column]));
  const shown = () => texts.filter((column) => !hidden.has(column)).sort((a, b) => longest(b) - longest(a));
  for (const column of shown()) {
    const over = excess(text);
    if (over <= 0) break;
    const room = Math.max(LEAST_TEXT, longest(column) - over);
    cut = cut.map((row) => row.map((cell, k) => k === column ? cutText(cell, room) : cell));
    text = show(cut);
  }
  return text;
}
