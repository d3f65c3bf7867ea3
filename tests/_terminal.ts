/** A terminal in memory, as far as the command line uses one: what its screen and all that scrolled out of it say. */

import { assert } from "@std/assert";
import { textWidth } from "../core/mod.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A terminal of endless height. */
export class Terminal {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  /** @param columns Its width: writing beyond it is an error. */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Takes in what a program writes. */
  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const [part, parameters, command] of text.matchAll(/\x1b\[([?\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+/g)) {
      if (command !== undefined) this.#control(command, parameters);
      else if (part === "\r") this.#column = 0;
      else if (part === "\n") this.#down();
      else this.#print(part);
    }
  }

  /** The lines, without spaces at their ends, and without empty ones at the end. */
  get lines(): string[] {
    const lines = this.#rows.map((row) => Array.from(row, (cell) => cell ?? " ").join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  #down(): void {
    this.#row++;
    this.#rows[this.#row] ??= [];
  }

  #print(text: string): void {
    for (const { segment } of graphemes.segment(text)) {
      const width = textWidth(segment);
      assert(this.#column + width <= this.#columns, `${JSON.stringify(text)} is wider than ${this.#columns} columns`);
      this.#rows[this.#row][this.#column] = segment;
      if (width === 2) this.#rows[this.#row][this.#column + 1] = "";
      this.#column += width;
    }
  }

  #control(command: string, parameters: string): void {
    if (command === "A") {
      assert(Number(parameters || 1) <= this.#row, "the cursor leaves the screen");
      this.#row -= Number(parameters || 1);
    } else if (command === "K") this.#rows[this.#row].length = parameters === "2" ? 0 : this.#column;
    else if (command === "J") {
      this.#rows[this.#row].length = this.#column;
      this.#rows.length = this.#row + 1;
    } else assert(command === "m" || parameters === "?2026", `an unknown sequence: ${parameters}${command}`);
  }
}
