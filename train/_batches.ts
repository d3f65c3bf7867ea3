/** The batches of a rank: which images in which order, and what becomes of them. */

import { balancedOrder, type Batch, BatchLoader, epochOrder, rankOrder } from "../data/mod.ts";
import type { PreparedRun } from "./_prepare.ts";
import type { RunLength } from "./_run_length.ts";
import type { FitOptions } from "./fit_options.ts";

/** Loads the batches of a rank. */
export function batchesOf(
  { set: { train: dataset, shape }, augmentation, sample, shuffle = true, seed = 0 }: FitOptions,
  { batch, rankBatch, rank, ranks, epochs, stepsPerEpoch }: RunLength,
  { normalisation, options: { inputs } }: Pick<PreparedRun, "normalisation" | "options">,
): BatchLoader<Batch> {
  const wholeOrder = (epoch: number) =>
    sample === "balanced"
      ? balancedOrder(dataset.labels, seed, epoch)
      : epochOrder(dataset.count, seed, epoch, shuffle, batch * stepsPerEpoch);
  return new BatchLoader({
    shape,
    normalisation,
    augmentation,
    seed,
    dataset,
    batch: rankBatch,
    order: (epoch) => rankOrder(wholeOrder(epoch), batch, rank, ranks),
    epochs,
    filler: inputs.filler,
  });
}
