/**
 * Curves in the characters of a terminal: a line of Braille dots, two by four a character, and marks over it. Marks differ from
 * lines by their shape, so that both are told apart without colours.
 */

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is drawn, and where. */
export interface ChartOptions {
  /** What stands above. */
  readonly title: string;
  /** The columns, axis included. */
  readonly width: number;
  /** The rows: one for the title, one for the axis below, the others for the curves. */
  readonly height: number;
  /** A line of dots. */
  readonly line: readonly Point[];
  /** Marks, each a point. */
  readonly marks: readonly Point[];
  /** Where the axis below ends; it begins at 0. */
  readonly end: number;
  /** What stands at its end. */
  readonly endLabel: string;
  /** What a value is written as. */
  readonly format: (value: number) => string;
  /** The least and the greatest value that an axis may show; marks beyond stand at its edge as {@link BEYOND}. Defaults to any. */
  readonly limits?: readonly [number, number];
  /** Whether colours are wanted. */
  readonly colour: boolean;
}

/** A mark of validation, and one that is above all that is shown. */
export const MARK = "●", BEYOND = "▲";
/** Bright blue and magenta, which are as plain on white as on black. */
const LINE_COLOUR = 94, MARK_COLOUR = 35;
const BRAILLE = 0x2800;
/** The bit of each dot of a character, by row and column. */
const DOTS = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]] as const;

/** A text in a colour. */
function coloured(text: string, code: number, wanted: boolean): string {
  return wanted ? `\x1b[${code}m${text}\x1b[39m` : text;
}

/** What tells which curve is which. */
export function legend(colour: boolean): string {
  return `${coloured("⠤⠒ training", LINE_COLOUR, colour)}  ${coloured(`${MARK} validation`, MARK_COLOUR, colour)}`;
}

/** The least and greatest value, a little apart where they are the same; nothing where there are no points. */
function rangeOf(points: readonly Point[], [least, greatest]: readonly [number, number]): [number, number] | undefined {
  let low = Infinity, high = -Infinity;
  for (const { y } of points) {
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  if (low > high) return undefined;
  const margin = low === high ? Math.max(0.01, Math.abs(low) * 0.1) : 0;
  return [Math.max(least, low - margin), Math.min(greatest, high + margin)];
}

/** Draws curves: as many lines as the height says, none wider than the width. */
export function drawChart(options: ChartOptions): string[] {
  const { title, width, height, line, marks, end, endLabel, format, limits = [-Infinity, Infinity], colour } = options;
  const range = rangeOf([...line, ...marks], limits), rows = height - 2;
  const labels = new Array<string>(rows).fill("");
  if (range !== undefined) [labels[0], labels[rows - 1]] = [format(range[1]), format(range[0])];
  const left = labels.reduce((most, label) => Math.max(most, label.length), 4), columns = width - left - 2;
  const dots = Array.from({ length: rows }, () => new Uint8Array(columns));
  const marked = Array.from({ length: rows }, () => new Map<number, string>());
  if (range !== undefined) {
    const [low, high] = range,
      place = (size: number, share: number) => Math.round((size - 1) * Math.min(1, Math.max(0, share)));
    const across = (x: number, size: number) => place(size, end > 0 ? x / end : 0);
    const down = (y: number, size: number) => place(size, high > low ? (high - y) / (high - low) : 0.5);
    drawDots(dots, line.map(({ x, y }) => ({ x: across(x, 2 * columns), y: down(y, 4 * rows) })));
    for (const { x, y } of marks) marked[down(y, rows)].set(across(x, columns), y > high ? BEYOND : MARK);
  }
  const body = dots.map((row, r) => {
    const cells = Array.from(row, (bits, column) => marked[r].get(column) ?? String.fromCharCode(BRAILLE + bits));
    return `${labels[r].padStart(left)} │${paint(cells, colour)}`;
  });
  return [`${" ".repeat(left + 2)}${title}`, ...body, axis(left, columns, endLabel)];
}

function axis(left: number, columns: number, endLabel: string): string {
  const label = ` ${endLabel}`.slice(0, columns - 2);
  return `${" ".repeat(left)} └${"─".repeat(columns - label.length)}${label}`;
}

/** Sets the dots of a polyline: in each column all from one point's height to the next one's. */
function drawDots(dots: readonly Uint8Array[], points: readonly Point[]): void {
  const set = (x: number, y: number) => void (dots[y >> 2][x >> 1] |= DOTS[y & 3][x & 1]);
  points.forEach((to, k) => {
    const from = points[Math.max(0, k - 1)], steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
    for (let i = 0; i <= steps; i++) {
      set(Math.round(from.x + (to.x - from.x) * i / steps), Math.round(from.y + (to.y - from.y) * i / steps));
    }
  });
}

/** Joins characters; those of a colour that follow each other are coloured together. */
function paint(cells: readonly string[], wanted: boolean): string {
  const text = cells.join("").replaceAll(String.fromCharCode(BRAILLE), " ").trimEnd();
  if (!wanted) return text;
  return text.replace(
    /[\u2801-\u28ff]+|[●▲]+/g,
    (run) => coloured(run, run[0] === MARK || run[0] === BEYOND ? MARK_COLOUR : LINE_COLOUR, true),
  );
}
