/** The steps of a run in bounded room: once there are too many for their number, neighbours share a bucket. */

/** What is kept of a step. */
export interface StepValues {
  /** The step, from 1. */
  readonly step: number;
  /** The loss of its batch. */
  readonly loss: number;
  /** The learning rate; nothing where it is not finite. */
  readonly lr: number | null;
  /** Images a second; nothing where it is not finite. */
  readonly imagesPerSecond: number | null;
}

/** Buckets in the order of their steps, a column a quantity; nothing stands for what no step of a bucket has. */
export interface StepColumns {
  /** Steps a bucket: a power of two. */
  readonly width: number;
  /** The first bucket that is given. */
  readonly from: number;
  /** The last step of each bucket so far. */
  readonly step: readonly number[];
  /** The mean loss. */
  readonly loss: readonly (number | null)[];
  /** The learning rate of the last step. */
  readonly lr: readonly (number | null)[];
  /** The mean rate, images a second. */
  readonly imagesPerSecond: readonly (number | null)[];
}

/** The most buckets. */
export const MOST_BUCKETS = 1024;

/** A bucket: how many steps it has, the last of them, and sums; NaN is a rate that no step has told. */
const COUNT = 0, LAST = 1, LOSS = 2, RATE = 3, SPEED = 4, SPEEDS = 5, FIELDS = 6;

/** The curves of a run's steps. */
export class StepSeries {
  #width: number;
  #buckets: Float64Array<ArrayBuffer>;
  /** The buckets up to the last that has a step. */
  #length: number;

  /** Begins without steps, or with what {@link StepSeries.bytes} gave of another. */
  constructor(bytes?: Uint8Array) {
    const stored = bytes === undefined ? undefined : new Float64Array(bytes.slice().buffer);
    this.#width = stored?.[0] ?? 1;
    this.#length = stored === undefined ? 0 : (stored.length - 1) / FIELDS;
    this.#buckets = new Float64Array(MOST_BUCKETS * FIELDS);
    if (stored !== undefined) this.#buckets.set(stored.subarray(1));
  }

  /** Steps a bucket. */
  get width(): number {
    return this.#width;
  }

  /** The buckets that there are. */
  get length(): number {
    return this.#length;
  }

  /** Takes a step in. Steps come in their order. */
  add({ step, loss, lr, imagesPerSecond }: StepValues): void {
    while (step > this.#width * MOST_BUCKETS) this.#merge();
    const bucket = Math.floor((step - 1) / this.#width), at = bucket * FIELDS, values = this.#buckets;
    this.#length = Math.max(this.#length, bucket + 1);
    values[at + COUNT]++;
    values[at + LAST] = step;
    values[at + LOSS] += loss;
    values[at + RATE] = lr ?? NaN;
    if (imagesPerSecond !== null) {
      values[at + SPEED] += imagesPerSecond;
      values[at + SPEEDS]++;
    }
  }

  /** Has two neighbours share each bucket. */
  #merge(): void {
    const values = this.#buckets, merged = new Float64Array(values.length);
    for (let bucket = 0; bucket < this.#length; bucket++) {
      const at = bucket * FIELDS, to = (bucket >> 1) * FIELDS;
      if (values[at + COUNT] === 0) continue;
      for (const sum of [COUNT, LOSS, SPEED, SPEEDS]) merged[to + sum] += values[at + sum];
      for (const last of [LAST, RATE]) merged[to + last] = values[at + last];
    }
    this.#buckets = merged;
    this.#length = (this.#length + 1) >> 1;
    this.#width *= 2;
  }

  /**
   * The buckets from one on.
   *
   * @param from The first. Defaults to all.
   */
  columns(from = 0): StepColumns {
    const step: number[] = [], loss: (number | null)[] = [], lr: (number | null)[] = [];
    const imagesPerSecond: (number | null)[] = [], values = this.#buckets;
    for (let bucket = from; bucket < this.#length; bucket++) {
      const at = bucket * FIELDS, count = values[at + COUNT], speeds = values[at + SPEEDS];
      // A run that goes on writes no step twice, yet a file that lost lines has gaps.
      step.push(count === 0 ? (bucket + 1) * this.#width : values[at + LAST]);
      loss.push(count === 0 ? null : short(values[at + LOSS] / count));
      lr.push(count === 0 || Number.isNaN(values[at + RATE]) ? null : short(values[at + RATE]));
      imagesPerSecond.push(speeds === 0 ? null : short(values[at + SPEED] / speeds));
    }
    return { width: this.#width, from, step, loss, lr, imagesPerSecond };
  }

  /** All of it, to be kept. */
  bytes(): Uint8Array<ArrayBuffer> {
    const stored = new Float64Array(1 + this.#length * FIELDS);
    stored[0] = this.#width;
    stored.set(this.#buckets.subarray(0, this.#length * FIELDS), 1);
    return new Uint8Array(stored.buffer);
  }
}

/** A number with the digits that a curve shows. */
function short(value: number): number {
  return Number(value.toPrecision(6));
}
