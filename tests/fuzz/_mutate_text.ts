/** Changes text: lines and words of it change places, are doubled or lost, and what text may hold is put in. */

import type { Random } from "../../core/mod.ts";
import { concat } from "../_bytes.ts";

const utf8 = new TextEncoder();

/** Pieces over which readers of text stumble. The last ones are no UTF-8: a lone surrogate, and a byte that begins nothing. */
export const TEXT_PIECES: readonly Uint8Array[] = [
  ...[
    "\ufeff",
    "\0",
    "\r\n",
    "\n",
    "\t",
    " ",
    ",",
    ";",
    '"',
    '""',
    "'",
    "\\",
    "/",
    "../",
    "--",
    "-",
    "=",
    ":",
    "*",
    "#",
    "0",
    "-1",
    "1e999",
    "-0",
    "0x10",
    "1_000",
    "9007199254740993",
    "18446744073709551616",
    "NaN",
    "Infinity",
    "null",
    "__proto__",
    "constructor",
    "toString",
    "\u202e",
    "\x1b[31m",
    "é",
    "e\u0301",
    "😀",
  ].map((text) => utf8.encode(text)),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xff),
];

/** Where a text may be taken apart: at lines, at words, or between any two bytes. */
function partsOf(bytes: Uint8Array, random: Random): Uint8Array[] {
  const isEnd = [
    (byte: number) => byte === 10,
    (byte: number) => byte <= 32 || (byte >= 44 && byte <= 47) || byte === 58 || byte === 59 || byte === 61,
    () => true,
  ][random.integer(3)];
  const parts: Uint8Array[] = [];
  for (let at = 0, from = 0; at < bytes.length; at++) {
    if (!isEnd(bytes[at]) && at + 1 < bytes.length) continue;
    parts.push(bytes.subarray(from, at + 1));
    from = at + 1;
  }
  return parts;
}

/**
 * Changes a text in one place.
 *
 * @param bytes The text in UTF-8.
 * @param words Words that are put in, beside those of every text.
 */
export function mutateText(bytes: Uint8Array, words: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  const parts = partsOf(bytes, random), pick = () => random.integer(Math.max(1, parts.length));
  const pieces = words.length > 0 && random.integer(2) === 0 ? words : TEXT_PIECES;
  const piece = pieces[random.integer(pieces.length)], at = pick();
  switch (random.integer(6)) {
    case 0:
      parts.splice(at, 1);
      break;
    case 1:
      parts.splice(at, 1, piece);
      break;
    case 2:
      if (parts.length > 0) parts.splice(pick(), 0, parts[at]);
      break;
    case 3: {
      const other = pick(), kept = parts[at];
      if (kept !== undefined) [parts[at], parts[other]] = [parts[other], kept];
      break;
    }
    case 4:
      // Many of one, seldom.
      parts.splice(at, 0, ...Array<Uint8Array>(random.integer(8) === 0 ? 500 : 1 + random.integer(3)).fill(piece));
      break;
    default:
      parts.splice(at, 0, piece);
  }
  return concat(...parts);
}
