/** A sheet of sample images: a row a class, its name to the left, as a PNG. */

import { cutMiddle, cutText, printable, textWidth } from "../../core/mod.ts";
import { Buffer } from "node:buffer";
import { loadSharp } from "../../images/mod.ts";

/** A row of a sheet. */
export interface SheetRow {
  /** What stands to the left. */
  readonly label: string;
  /** The images, all of one size, [height, width, 3]. */
  readonly images: readonly Uint8Array[];
  /** What stands below each image. Defaults to nothing. */
  readonly captions?: readonly string[];
}

const GAP = 6, MARGIN = 18, FONT = 15, TITLE = 44, CAPTION = 18, CAPTION_FONT = 11;
/** Images smaller than this are drawn larger, by a whole factor; those larger than the other are made smaller. */
const LEAST_CELL = 72, MOST_CELL = 144;
/** The columns of a label at most, and the pixels of a column: those of a letter that is rather wide. */
const LONGEST_LABEL = 24, CHARACTER = 9.3, CAPTION_CHARACTER = 6.8;
const FAMILY = "DejaVu Sans, Liberation Sans, Arial, sans-serif";
const PAPER = "#ffffff", INK = "#20242a", FAINT = "#6b7280";

function escapeXml(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A line of text as an SVG image of a height and width, shortened to fit. */
export function captionSvg(text: string, [height, width]: readonly [number, number], size: number): string {
  const shown = escapeXml(cutText(text, Math.floor(width / (0.62 * size))));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="${FAMILY}">
<text x="2" y="${Math.round((height + 0.7 * size) / 2)}" font-size="${size}" fill="${INK}">${shown}</text></svg>`;
}

/**
 * Draws a sheet.
 *
 * @param title What stands above.
 * @param rows The rows.
 * @param size Height and width of the images.
 * @returns The PNG's bytes.
 * @throws {DataError} If sharp does not load.
 */
export async function drawContactSheet(
  title: string,
  rows: readonly SheetRow[],
  [height, width]: readonly [number, number],
): Promise<Uint8Array> {
  const larger = Math.max(height, width);
  const scale = larger < LEAST_CELL ? Math.ceil(LEAST_CELL / larger) : Math.min(1, MOST_CELL / larger);
  const cell = [Math.round(height * scale), Math.round(width * scale)] as const;
  const pitch = cell[0] + GAP + (rows.some(({ captions }) => captions !== undefined) ? CAPTION : 0);
  const labels = rows.map(({ label }) => cutMiddle(printable(label), LONGEST_LABEL)),
    columns = Math.max(...rows.map(({ images }) => images.length));
  const labelWidth = Math.ceil(CHARACTER * Math.max(...labels.map(textWidth))) + 12;
  const left = MARGIN + labelWidth, top = MARGIN + TITLE;
  const sheetWidth =
    Math.max(left + columns * (cell[1] + GAP) - GAP, MARGIN + Math.ceil(CHARACTER * textWidth(title))) +
    MARGIN;
  const sheetHeight = top + rows.length * pitch - GAP + MARGIN;
  const kernel = scale > 1 ? "nearest" : "lanczos3", sharp = await loadSharp();
  const pictures = rows.flatMap(({ images }, row) =>
    images.map(async (pixels, column) => ({
      input: await sharp(pixels, { raw: { width, height, channels: 3 } })
        .resize(cell[1], cell[0], { kernel, fit: "fill" }).png().toBuffer(),
      left: left + column * (cell[1] + GAP),
      top: top + row * pitch,
    }))
  );
  const texts = labels.map((label, row) => {
    const baseline = top + row * pitch + cell[0] / 2 + FONT / 3;
    return `<text x="${left - 12}" y="${baseline}" text-anchor="end" font-size="${FONT}" fill="${INK}">${
      escapeXml(label)
    }</text>`;
  });
  const captions = rows.flatMap(({ captions = [] }, row) =>
    captions.map((caption, column) => {
      const x = left + column * (cell[1] + GAP), y = top + row * pitch + cell[0] + CAPTION_FONT + 2;
      return `<text x="${x}" y="${y}" font-size="${CAPTION_FONT}" fill="${FAINT}">${
        escapeXml(cutText(printable(caption), Math.floor(cell[1] / CAPTION_CHARACTER)))
      }</text>`;
    })
  );
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${sheetWidth}" height="${sheetHeight}" font-family="${FAMILY}">
<text x="${MARGIN}" y="${MARGIN + FONT}" font-size="${FONT}" fill="${FAINT}">${escapeXml(title)}</text>
${[...texts, ...captions].join("\n")}
</svg>`;
  const background = { width: sheetWidth, height: sheetHeight, channels: 3, background: PAPER } as const;
  return await sharp({ create: background }).composite([
    { input: Buffer.from(svg) },
    ...await Promise.all(pictures),
  ]).png().toBuffer();
}
