/** Reads the weights that a command is given. */

import { type ReadCheckpoint, readCheckpoint as readFromDisk } from "../../disk/mod.ts";
import type { Model } from "../../models/mod.ts";
import { publishedWeights } from "../../weights/mod.ts";
import { printNotice } from "../reports/layout.ts";
import { readPublished } from "./published_weights.ts";

/** The options of {@link readCheckpoint}. */
export interface ReadOptions {
  /** The network, where a bare file or the name of published weights does not say it. */
  readonly model?: Model;
  /** Whether a line on a terminal shows a download. Defaults to true. */
  readonly progress?: boolean;
}

/**
 * Reads published weights by their name, or what the disk has. Tells on standard error where in a file the weights were, and
 * what is not done as the files beside it say.
 *
 * @param path The file, the name or the folder; after a #, which of several sets of weights in a file.
 * @throws {DataError} If there is none, or it is damaged, or a tensor holds NaN or infinity.
 * @throws {UsageError} If it is the name of published weights that do not exist.
 */
export async function readCheckpoint(
  path: string,
  { model, progress = true }: ReadOptions = {},
): Promise<ReadCheckpoint> {
  const published = publishedWeights(path, model?.name);
  if (published !== undefined) return await readPublished(published, progress);
  return await readFromDisk(path, { model, onNote: (note) => printNotice(`note: ${note}`) });
}
