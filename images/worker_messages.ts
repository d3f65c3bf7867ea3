/** What fillers of batches and the workers that prepare images tell each other. */

import type { Advice } from "../core/mod.ts";
import type { CacheMemory, ImageBatch, Labels, PathList, PreparationOptions } from "../data/mod.ts";
import type { DecodeBudget } from "./decode_budget.ts";
import type { DecodeMode } from "./decode_image.ts";

/** Tells every worker of a filler and of its images. */
export interface OpenRequest {
  readonly kind: "open";
  /** The number of the filler, by which it is known to the workers. */
  readonly filler: number;
  /** Where the folder is. */
  readonly location: string;
  /** The paths of its images, in shared memory. */
  readonly files: Pick<PathList, "bytes" | "offsets">;
  /** Their labels. */
  readonly labels: Labels;
  /** How they become tensors. */
  readonly options: PreparationOptions;
  /** How many may be damaged. */
  readonly maxBad: number;
  /** Whether large JPEGs are read smaller. */
  readonly decode: DecodeMode;
  /** The most pixels of an image, in millions. */
  readonly maxMegapixels: number;
  /** What those that are decoded at once share, of all fillers, in shared memory. */
  readonly budget: Pick<DecodeBudget, "bytes" | "words">;
  /** What keeps them, in shared memory. */
  readonly cache?: CacheMemory;
}

/** Asks every worker for its share of a batch. */
export interface FillRequest {
  readonly kind: "fill";
  /** The number of the filler. */
  readonly filler: number;
  /** The batch's number, among those of the filler. */
  readonly id: number;
  /** The indices of its images in the set. */
  readonly indices: Uint32Array;
  /** The epoch. */
  readonly epoch: number;
  /** Receives the images; in shared memory. */
  readonly batch: ImageBatch;
  /** The next image that no worker has taken; in shared memory. */
  readonly next: Int32Array;
}

/** Tells every worker that a filler asks for nothing more, nor waits for anything. */
export interface CloseRequest {
  readonly kind: "close";
  /** The number of the filler. */
  readonly filler: number;
}

/** What workers are told. */
export type WorkerRequest = OpenRequest | FillRequest | CloseRequest;

/** The message of an error as it is sent: text, and the arguments that it names. */
export type ErrorParts = readonly (string | Advice)[];

/** A worker says that no image of a batch is left. */
export interface WorkerAnswer {
  /** The number of the filler. */
  readonly filler: number;
  /** The batch's number. */
  readonly id: number;
  /** The images that it could not read, and why. */
  readonly failures: readonly (readonly [index: number, why: ErrorParts])[];
  /** Why it gave the batch up. */
  readonly error?: ErrorParts;
  /** Whether that is a lack of memory, which says nothing of the images. */
  readonly lacksMemory?: boolean;
}
