/** How many columns of a terminal a text takes: East Asian characters and emoji take two, accents that combine none. */

const NARROW = /^[\u0020-\u007e\u00a1-\u02ff]*$/;
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\u30fb-\u30fc\uff01-\uff60\uffe0-\uffe6]/u;
/** Halfwidth forms, which their script alone would make wide. */
const HALFWIDTH = /^[\uff61-\uffdc]/;
const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

/** What a reader takes for a character each: a letter with its accents, a whole flag. */
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function graphemeWidth(grapheme: string): number {
  if (COMBINING.test(grapheme)) return 0;
  return WIDE.test(grapheme) && !HALFWIDTH.test(grapheme) ? 2 : 1;
}

/**
 * The columns that a text without control characters takes.
 *
 * @example
 * ```ts
 * import { textWidth } from "@residua/residua/core";
 * console.log(textWidth("café"), textWidth("写真")); // 4 4
 * ```
 */
export function textWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** A text in at most so many columns: its beginning and an ellipsis, where it is longer. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "", width = 1;
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** A text in at most so many columns: its beginning, an ellipsis and its end, where it is longer, since names often end differently. */
export function cutMiddle(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  const parts = Array.from(graphemes.segment(text), ({ segment }) => segment), half = (columns - 1) / 2;
  const fit = (room: number, pieces: readonly string[]) => {
    let count = 0;
    for (let width = 0; count < pieces.length && (width += graphemeWidth(pieces[count])) <= room;) count++;
    return count;
  };
  const end = fit(Math.floor(half), parts.toReversed()), start = fit(Math.ceil(half), parts);
  return `${parts.slice(0, start).join("")}…${end === 0 ? "" : parts.slice(-end).join("")}`;
}

/** A text in so many columns at least, spaces after it. */
export function padText(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textWidth(text)));
}

/** A text in so many columns at least, spaces before it. */
export function padTextStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - textWidth(text))) + text;
}
