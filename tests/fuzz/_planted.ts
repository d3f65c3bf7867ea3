/** Readers with faults that are known, by which the fuzzer itself is tried. */

import { DataError } from "../../core/mod.ts";
import type { FuzzTarget } from "./_target.ts";

/** Longer than the fuzzer waits. Not for ever: a worker that is terminated in a loop may go on in it, beside all later tests. */
const endOfHang = () => performance.now() + 4000;

const seeds = () => [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)];

/** A target of bytes with a fault. */
function planted(name: string, run: (input: Uint8Array) => unknown, more: Partial<FuzzTarget> = {}): FuzzTarget {
  return { name, about: `a reader with the fault ${name}`, form: "bytes", seeds, run, ...more };
}

/** Refuses what does not begin with some ASCII letters, one after the other; whoever has them all finds the fault. */
function readDeep(input: Uint8Array): number {
  let depth = 0;
  const isLetter = () => input[depth] >= 0x40 && input[depth] < 0x80;
  // Blocks of their own, since what runs is what guides.
  if (!isLetter()) throw new DataError("expected a letter first");
  depth++;
  if (!isLetter()) throw new DataError("expected a letter second");
  depth++;
  if (!isLetter()) throw new DataError("expected a letter third");
  depth++;
  if (!isLetter()) throw new DataError("expected a letter fourth");
  depth++;
  if (!isLetter()) throw new DataError("expected a letter fifth");
  depth++;
  if (!isLetter()) throw new DataError("expected a letter sixth");
  throw new TypeError("a fault behind six letters");
}

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = [
  planted("deep", readDeep),
  planted("hang", (input) => {
    for (const end = endOfHang(); input[0] === 0xff && performance.now() < end;);
    return input.length;
  }),
  planted("arrays", (input) => input[0] === 0xff ? new Float64Array(2 ** 20) : input),
  planted("objects", (input) => {
    const kept: unknown[] = [];
    // Up to a bound of its own, so that a busy machine has the time to end it.
    const end = endOfHang();
    while (input[0] === 0xff && performance.now() < end) {
      if (kept.length < 400) kept.push(Array(2 ** 17).fill(kept.length));
    }
    return kept;
  }),
  planted("uncaught", (input) => {
    if (input[0] === 0xff) queueMicrotask(() => JSON.parse("{"));
    return input;
  }),
  planted("message", (input) => {
    if (input[0] === 0xff) throw new DataError(`the field ${input[99]} is not what was expected`);
    return input;
  }),
  planted("value", (input) => input[0], { check: (value) => value === 0xff ? "it is 255" : undefined }),
  planted("right", (input) => {
    if (input[0] === 0xff) throw new DataError("expected something else at the beginning");
    return input;
  }),
];
