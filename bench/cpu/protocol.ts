/**
 * The protocol of the benchmark and its peers: one JSON object a line, requests on a peer's standard input and answers on its
 * standard output. Tensors travel as files of little-endian float32.
 */

import type { Cost, DevicePeaks } from "../../core/mod.ts";
import type { Work } from "./work.ts";

/** A tensor in a file. */
export interface TensorFile {
  readonly shape: readonly number[];
  readonly path: string;
}

/** The first line of a peer. */
export type Greeting = {
  /** The framework and its version, as text. */
  readonly ready: string;
} | {
  /** The reason why it cannot run here. */
  readonly unavailable: string;
};

/** Prepares a piece of work: reads its tensors, compiles, runs each way of doing it and keeps the fastest. */
export interface PrepareRequest {
  readonly prepare: {
    readonly work: Work;
    /** The work's tensors by name. */
    readonly tensors: Readonly<Record<string, TensorFile>>;
    /** The file of the result of the first run; `.k` is appended for the k-th way. Defaults to no file. */
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
  /** The seconds of a run. */
  readonly seconds: number;
  /** The operations and bytes of each op of the work, from peers that count them. */
  readonly costs?: readonly Cost[];
} | {
  /** The reason why the peer cannot do the work. */
  readonly unsupported: string;
};

/** Repeats the work for a number of seconds, at least once. */
export interface MeasureRequest {
  readonly measure: number;
}

/** The answer to {@link MeasureRequest}. */
export interface MeasureAnswer {
  /** The seconds of each run, or of a run of each burst. */
  readonly seconds: readonly number[];
  /** The seconds of a run by the device's timestamps, of each burst. */
  readonly device?: readonly number[];
  /** The timed runs. Defaults to the number of `seconds`. */
  readonly runs?: number;
}

/** Asks for the peaks of the device. */
export interface PeaksRequest {
  readonly peaks: true;
}

/** The answer to {@link PeaksRequest}. */
export type PeaksAnswer = DevicePeaks | {
  /** The reason why they are not known. */
  readonly unsupported: string;
};

/** A line to a peer. */
export type Request = PrepareRequest | MeasureRequest | PeaksRequest;
