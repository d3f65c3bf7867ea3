/**
 * What the benchmark and its peers say to each other: one JSON object a line, a request on the peer's standard input, its
 * answer on its standard output. Tensors travel as files of little-endian float32.
 */

import type { Work } from "./work.ts";

/** A tensor in a file. */
export interface TensorFile {
  readonly shape: readonly number[];
  readonly path: string;
}

/** The first line of a peer. */
export type Greeting = {
  /** What runs, with its version, as people read it. */
  readonly ready: string;
} | {
  /** Why it cannot run here. */
  readonly unavailable: string;
};

/** Makes ready for a piece of work: reads its tensors, compiles, runs each way of doing it and keeps the fastest. */
export interface PrepareRequest {
  readonly prepare: {
    readonly work: Work;
    /** The work's tensors by name. */
    readonly tensors: Readonly<Record<string, TensorFile>>;
    /** Where the result of the first run of the k-th way goes, with `.k` appended; nothing is kept unless given. */
    readonly output?: string;
  };
}

/** The answer to {@link PrepareRequest}. */
export type PrepareAnswer = {
  /** The fastest way. */
  readonly variant: string;
  /** All ways that were run. */
  readonly variants: readonly string[];
  /** The ways that failed, with their errors. */
  readonly failures: readonly string[];
  /** What a run takes. */
  readonly seconds: number;
} | {
  /** Why the peer cannot do it. */
  readonly unsupported: string;
};

/** Runs the work again and again for so many seconds, at least once. */
export interface MeasureRequest {
  readonly measure: number;
}

/** The answer to {@link MeasureRequest}: the seconds of each run. */
export interface MeasureAnswer {
  readonly seconds: readonly number[];
}

/** A line to a peer. */
export type Request = PrepareRequest | MeasureRequest;
