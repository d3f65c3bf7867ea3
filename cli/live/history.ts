/** A curve of any length in bounded memory: neighbours are averaged when there are too many points. */

import type { Point } from "./chart.ts";

/** The most points: more than a terminal has columns of dots. */
const MOST_POINTS = 1024;

/** The points of a curve, in the order of x. */
export class History {
  #points: Point[] = [];
  /** The values that a point is the mean of. */
  #each = 1;
  #pending: Point = { x: 0, y: 0 };
  #count = 0;

  /** Adds a value; one that is no number is left out. */
  add(x: number, y: number): void {
    if (!Number.isFinite(y)) return;
    this.#pending = { x: this.#pending.x + x, y: this.#pending.y + y };
    if (++this.#count < this.#each) return;
    this.#points.push({ x: this.#pending.x / this.#count, y: this.#pending.y / this.#count });
    this.#pending = { x: 0, y: 0 };
    this.#count = 0;
    if (this.#points.length === MOST_POINTS) this.#halve();
  }

  /** The points so far. */
  get points(): readonly Point[] {
    return this.#points;
  }

  #halve(): void {
    const halved: Point[] = [];
    for (let k = 0; k + 1 < this.#points.length; k += 2) {
      const [one, other] = [this.#points[k], this.#points[k + 1]];
      halved.push({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
    }
    this.#points = halved;
    this.#each *= 2;
  }
}
