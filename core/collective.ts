/** What computes together: the one thing that the engine asks of processes on many devices or machines, and a form of it in one. */

import { UsageError } from "./util/errors.ts";
import { f16round } from "./util/float16_bits.ts";
import { argument, sentence } from "./util/sentence.ts";

/** How the elements of a sum travel from rank to rank. */
export type Transport = "float32" | "float16";

/**
 * Programs that compute together, seen by one of them: a rank. The engine brings no transport of its own; whoever has one, such
 * as MPI, gives it this form.
 */
export interface Collective {
  /** The number of this rank: from 0 to {@link Collective.size} - 1. */
  readonly rank: number;
  /** The number of ranks. */
  readonly size: number;
  /**
   * Begins to sum element by element over all ranks, in place. All ranks call in the same order and with the same lengths; a
   * sum may begin while earlier ones still run. All ranks get the same bits.
   *
   * @param values The elements. They may lie in shared memory, and nobody else touches them until the sums are there.
   * @param transport How they travel: as float16 what each rank gives is rounded, and so are the sums, which are computed in
   * float32. Defaults to float32.
   * @returns Resolves once the sums are there; rejects if a rank has gone.
   */
  sum(values: Float32Array, transport?: Transport): Promise<void>;
}

/** A sum for which ranks gather. */
interface Meeting {
  readonly transport: Transport;
  readonly given: {
    readonly rank: number;
    readonly values: Float32Array;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[];
}

/**
 * Ranks that are in one process, for tests and for trying things out: their sums are added in the order of the ranks.
 *
 * @param size The number of ranks.
 * @returns Each rank's view of them all. A sum rejects on all ranks if their lengths differ.
 * @throws {UsageError} If `size` is not a whole number above 0.
 *
 * @example
 * ```ts
 * import { localCollectives } from "@residua/residua/core";
 * const [first, second] = localCollectives(2);
 * const values = Float32Array.of(1, 2), others = Float32Array.of(10, 20);
 * await Promise.all([first.sum(values), second.sum(others)]);
 * console.log(values.join(), others.join()); // 11,22 11,22
 * ```
 */
export function localCollectives(size: number): Collective[] {
  if (!(Number.isInteger(size) && size > 0)) {
    throw new UsageError(sentence`Expected ${argument("size")} to be a whole number above 0 but it is ${size}`);
  }
  const meetings = new Map<number, Meeting>();
  const join = (turn: number, rank: number, values: Float32Array, transport: Transport = "float32") =>
    new Promise<void>((resolve, reject) => {
      const meeting = meetings.get(turn) ?? { transport, given: [] };
      meetings.set(turn, meeting);
      meeting.given.push({ rank, values, resolve, reject });
      if (meeting.given.length < size) return;
      meetings.delete(turn);
      finish(meeting);
    });
  return Array.from({ length: size }, (_, rank): Collective => {
    let turn = 0;
    return { rank, size, sum: (values, transport) => join(turn++, rank, values, transport) };
  });
}

function finish({ given, transport }: Meeting): void {
  const ranks = given.toSorted((a, b) => a.rank - b.rank).map(({ values }) => values), { length } = ranks[0];
  const other = ranks.findIndex((values) => values.length !== length);
  if (other >= 0) {
    const cause = `rank 0 gave ${length} and rank ${other} gave ${ranks[other].length}`;
    for (const { reject } of given) reject(new UsageError(`Expected all ranks to sum as many elements but ${cause}`));
    return;
  }
  const sums = new Float32Array(length), round = transport === "float16" ? f16round : (value: number) => value;
  for (const values of ranks) for (let i = 0; i < length; i++) sums[i] += round(values[i]);
  if (transport === "float16") { for (let i = 0; i < length; i++) sums[i] = f16round(sums[i]); }
  for (const values of ranks) values.set(sums);
  for (const { resolve } of given) resolve();
}
