/** Where the parts of a plot of confusions stand, by the number of classes and the lengths of their names. */

import { cutMiddle, textWidth } from "../core/mod.ts";
import { INK, pixels } from "./sheet.ts";

/** Classes up to which each is named, and the columns of a name. */
const NAMED = 100, NAME = 22;

/** The sides of the matrix: the least, and the most unless each class needs more for its name. */
const LEAST_SIDE = 384, MOST_SIDE = 760;
/** The pixels of a class: as many as may be, and as many as a name needs. */
const CELL = 64, LEAST_CELL = 12;
/** The sizes of names and counts, by the room that they have. */
const LEAST_FONT = 9, NAME_FONT = 12, COUNT_FONT = 15;
/** From the names of columns to the axis's name, and its height. */
const LABEL = 28;
/** The colours of a share of none and of all. */
export const SHARE_COLOURS = ["#eef3fb", "#1d4e89"] as const;

/** The colour of a share, between those of none and of all. */
function shareColour(share: number): string {
  const [none, all] = SHARE_COLOURS.map((colour) => parseInt(colour.slice(1), 16));
  const mixed = [16, 8, 0].map((bits) => Math.round((1 - share) * (none >> bits & 255) + share * (all >> bits & 255)));
  return `rgb(${mixed.join(", ")})`;
}

/** How names stand below columns: level where they fit, aslant where that leaves room between them, else upright. */
function columnNames(
  longest: number,
  cell: number,
  font: number,
): { readonly rotate: number; readonly height: number } {
  const length = pixels(longest, font);
  if (length <= cell - 4) return { rotate: 0, height: 20 };
  if (cell * Math.SQRT1_2 >= font) return { rotate: -45, height: 12 + Math.SQRT1_2 * (length + font) };
  return { rotate: -90, height: 12 + length };
}

/** What the colours say: a bar from none to all of a class. */
export function legend(width: number, left: number): string[] {
  const [bar, steps] = [100, 20], step = bar / steps, height = 34;
  const cells = Array.from({ length: steps }, (_, k) => {
    const fill = shareColour(k / (steps - 1));
    return `<rect x="${left + k * step}" y="8" width="${step + 0.5}" height="10" fill="${fill}"/>`;
  });
  return [
    String(height),
    `<svg width="${width}" height="${height}">${cells.join("")}` +
    `<text x="${left + bar + 8}" y="17" font-size="11" fill="${INK}">0 to 100 % of the true class</text></svg>`,
  ];
}

/** Where the parts stand, in pixels. */
export interface ConfusionLayout {
  /** The side of the matrix, and that of a class. */
  readonly size: number;
  readonly cell: number;
  /** Whether classes are named, else they have numbers. */
  readonly isNamed: boolean;
  /** The names, none longer than there is room for, and their size. */
  readonly names: readonly string[];
  readonly font: number;
  /** The size of counts. */
  readonly countFont: number;
  /** How columns' names are turned, in degrees. */
  readonly rotate: number;
  /** What is left of the matrix, and below it. */
  readonly left: number;
  readonly below: number;
}

/**
 * Lays a plot of confusions out.
 *
 * @param classes The names.
 * @param digits The digits of the greatest count.
 */
export function layOutConfusion(classes: readonly string[], digits: number): ConfusionLayout {
  const count = classes.length, isNamed = count <= NAMED, least = isNamed ? LEAST_CELL * count : 0;
  const size = Math.max(LEAST_SIDE, Math.min(MOST_SIDE, CELL * count), least), cell = size / count;
  const names = classes.map((name) => cutMiddle(name, NAME));
  const font = isNamed ? Math.max(LEAST_FONT, Math.min(NAME_FONT, 0.8 * cell)) : NAME_FONT;
  const longest = isNamed ? names.reduce((most, name) => Math.max(most, textWidth(name)), 0) : 4;
  const { rotate, height } = columnNames(longest, isNamed ? cell : size / 10, font);
  return {
    size,
    cell,
    isNamed,
    names,
    font,
    countFont: Math.min(COUNT_FONT, 0.9 * cell / pixels(digits, 1)),
    rotate,
    left: Math.ceil(24 + pixels(longest, font)),
    below: Math.ceil(height) + LABEL,
  };
}
