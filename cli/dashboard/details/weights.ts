/** The weights of a run's best network, and the filters of its first convolution. */

import { DataError } from "../../../core/mod.ts";
import { type ReadCheckpoint, readCheckpoint } from "../../../disk/mod.ts";
import type { CheckpointInfo, NamedTensor } from "../../../weights/mod.ts";
import { json, RequestError } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import { RunFileReader, type RunFiles } from "./run_files.ts";

/** A checkpoint that says what it is of. */
export interface RunCheckpoint extends ReadCheckpoint {
  readonly info: CheckpointInfo;
  /** By what it is known again. */
  readonly key: string;
}

/** Reads the best checkpoints of runs. */
export type RunWeights = RunFileReader<RunCheckpoint>;

/** The best checkpoints of runs, of which the last one is kept. */
export function openWeights(files: RunFiles): RunWeights {
  return new RunFileReader(files, {
    name: "best.safetensors",
    none: "No best.safetensors yet: it is written with the first epoch that is the best so far",
    most: 1,
    async read(_folder, { path, key }) {
      const { info, ...checkpoint } = await readCheckpoint(path);
      if (info === undefined) throw new DataError(`${path}: it does not say of which network it is`);
      return { ...checkpoint, info, key };
    },
  });
}

/** The filters of a convolution over an image's channels. */
export interface Filters {
  /** The tensor's name. */
  readonly name: string;
  /** Filters, channels, height and width. */
  readonly shape: readonly number[];
  /** The bytes that show each filter: 128 for a weight of 0, 0 and 255 for its largest, negative and positive. */
  readonly values: readonly number[];
}

/** The filters of the first convolution, those over one channel or three; nothing if there is none. */
export function firstFilters(tensors: ReadonlyMap<string, NamedTensor>): Filters | undefined {
  const first = [...tensors].find(([, { shape }]) => shape.length === 4 && (shape[1] === 1 || shape[1] === 3));
  if (first === undefined) return undefined;
  const [name, { shape, data }] = first, size = data.length / shape[0], values: number[] = [];
  for (let filter = 0; filter < shape[0]; filter++) {
    const weights = [...data.subarray(filter * size, (filter + 1) * size)];
    const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1;
    for (const weight of weights) values.push(Math.round(127.5 + 127.5 * weight / largest));
  }
  return { name, shape, values };
}

/** The details by the path at which they are asked for. */
export function weightDetails(weights: RunWeights): Readonly<Record<string, RunDetail>> {
  return {
    "/api/filters": async (run) => {
      const filters = firstFilters((await weights.of(run)).tensors);
      if (filters === undefined) {
        throw new RequestError(404, "The network has no convolution over the colours of an image");
      }
      return json(filters);
    },
  };
}
