/** The progress line of a benchmark run: rewritten in place on a terminal, absent elsewhere. */

import { formatDuration } from "../../cli/reports/format.ts";

/** Shows what is being measured and the remaining time. */
export class BenchProgress {
  readonly #rows: number;
  readonly #enabled = Deno.stderr.isTerminal();
  readonly #started = performance.now();
  #done = 0;

  /** @param rows The number of rows. */
  constructor(rows: number) {
    this.#rows = rows;
  }

  /** Shows the current activity for a row. */
  show(row: string, doing: string): void {
    if (!this.#enabled) return;
    const elapsed = (performance.now() - this.#started) / 1000;
    const left = this.#done === 0 ? "" : `  ${formatDuration(elapsed / this.#done * (this.#rows - this.#done))} left`;
    const text = `${this.#done + 1}/${this.#rows}  ${row}: ${doing}${left}`;
    this.#write(text.slice(0, Deno.consoleSize().columns - 1));
  }

  /** Counts a row as done. */
  next(): void {
    this.#done++;
  }

  /** Clears the line. */
  clear(): void {
    if (this.#enabled) this.#write("");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[2K${text}`));
  }
}
