/** Which classes are taken for which, as SVG. */

import { cutMiddle, textWidth } from "../core/mod.ts";
import * as Plot from "@observablehq/plot";
import { draw, INK, page, pixels } from "./sheet.ts";

/** Classes up to which each is named, and each count is written, and the columns of a name. */
const NAMED = 100, COUNTED = 20, NAME = 22;
/** Classes above which a cell is drawn larger than it is, since it would be less than a few pixels. */
const MANY = 200;
/** Cells that are drawn at most, those of the most images: with a thousand classes no more can be told apart. */
const MOST_CELLS = 2000;

/** The sides of the matrix: the least, and the most unless each class needs more for its name. */
const LEAST_SIDE = 384, MOST_SIDE = 760;
/** The pixels of a class: as many as may be, and as many as a name needs. */
const CELL = 64, LEAST_CELL = 12;
/** The sizes of names and counts, by the room that they have. */
const LEAST_FONT = 9, NAME_FONT = 12, COUNT_FONT = 15;
/** From the names of columns to the axis's name, and its height. */
const LABEL = 28;
/** The colours of shares. */
const COLOUR: Plot.ScaleOptions = { type: "linear", domain: [0, 1], range: ["#eef3fb", "#1d4e89"] };

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
function legend(width: number, left: number): string[] {
  const [bar, steps] = [100, 20], step = bar / steps, height = 34;
  const cells = Array.from({ length: steps }, (_, k) => {
    const fill = Plot.scale({ color: COLOUR }).apply(k / (steps - 1));
    return `<rect x="${left + k * step}" y="8" width="${step + 0.5}" height="10" fill="${fill}"/>`;
  });
  return [
    String(height),
    `<svg width="${width}" height="${height}">${cells.join("")}` +
    `<text x="${left + bar + 8}" y="17" font-size="11" fill="${INK}">0 to 100 % of the true class</text></svg>`,
  ];
}

/**
 * Counts of images by true and predicted class. The colour is the share of the true class.
 *
 * @param confusion Counts by [true class][predicted class].
 * @param title What was evaluated.
 */
export function confusionSvg(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
  title: string,
): string {
  const all = confusion.flatMap((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, predicted) => count === 0 ? [] : [{ label, predicted, count, share: count / total }]);
  });
  const cells = all.length <= MOST_CELLS ? all : all.sort((a, b) => b.count - a.count).slice(0, MOST_CELLS);
  const count = classes.length, isNamed = count <= NAMED;
  const size = Math.max(LEAST_SIDE, Math.min(MOST_SIDE, CELL * count), isNamed ? LEAST_CELL * count : 0),
    cell = size / count;
  const names = classes.map((name) => cutMiddle(name, NAME)),
    font = isNamed ? Math.max(LEAST_FONT, Math.min(NAME_FONT, 0.8 * cell)) : NAME_FONT;
  const longest = isNamed ? names.reduce((most, name) => Math.max(most, textWidth(name)), 0) : 4;
  const left = Math.ceil(24 + pixels(longest, font)),
    { rotate, height } = columnNames(longest, isNamed ? cell : size / 10, font);
  const digits = cells.reduce((most, { count }) => Math.max(most, `${count}`.length), 1),
    below = Math.ceil(height) + LABEL;
  const domain = classes.map((_, index) => index), of = isNamed ? "" : ", by its number from 0";
  const ticks = isNamed ? {} : { ticks: domain.filter((index) => index % Math.ceil(count / 10) === 0) };
  const axis = { domain, tickFormat: (index: number) => isNamed ? names[index] : String(index), ...ticks };
  const width = size + left + 24;
  const drawing = draw({
    width,
    height: size + 24 + below,
    marginLeft: left,
    marginRight: 24,
    marginTop: 24,
    marginBottom: below,
    style: { fontSize: `${font}px` },
    padding: isNamed ? 0.04 : 0,
    x: { ...axis, label: `predicted class${of}`, labelAnchor: "center", labelOffset: below - 6, tickRotate: rotate },
    y: { ...axis, label: `true class${of}`, labelAnchor: "top", labelOffset: left - 8 },
    color: COLOUR,
    marks: [
      Plot.cell(cells, { x: "predicted", y: "label", fill: "share", inset: count > MANY ? -1 : 0 }),
      ...(count > COUNTED ? [] : [
        Plot.text(cells, {
          x: "predicted",
          y: "label",
          text: ({ count }: { count: number }) => String(count),
          fill: ({ share }: { share: number }) => share > 0.5 ? "white" : INK,
          fontSize: Math.min(COUNT_FONT, 0.9 * cell / pixels(digits, 1)),
        }),
      ]),
      Plot.frame({ stroke: "#bbb" }),
    ],
  });
  return page(title, [], width, [drawing, legend(width, left)]);
}
