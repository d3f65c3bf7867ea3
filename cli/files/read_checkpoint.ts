/** Reads the weights that a command is given. */

import { DataError } from "../../core/mod.ts";
import { type Checkpoint, decodeCheckpoint, evaluatedTensors, publishedWeights } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";
import { readPublished } from "./published_weights.ts";

/** The options of {@link readCheckpoint}. */
export interface ReadOptions {
  /** The network, where the name of published weights does not say it. */
  readonly model?: string;
  /** Whether a line on a terminal shows a download. Defaults to true. */
  readonly progress?: boolean;
  /** Hears that a run's last checkpoint was taken. Defaults to a line on standard error. */
  readonly say?: (note: string) => void;
}

/** A checkpoint and the file that it is from. */
export type ReadCheckpoint = Checkpoint & { readonly source: string };

/**
 * Reads a weight file, published weights by their name, or the best checkpoint of a run folder; the last one where no epoch
 * has ended yet. Its tensors are those that a network computes with, without the optimiser's.
 *
 * @param path The file, the name or the run folder.
 * @throws {DataError} If there is none, or it is damaged, or a tensor holds NaN or infinity.
 * @throws {UsageError} If it is the name of published weights that do not exist.
 */
export async function readCheckpoint(
  path: string,
  { model, progress = true, say = (note) => console.error(`note: ${note}`) }: ReadOptions = {},
): Promise<ReadCheckpoint> {
  const published = publishedWeights(path, model);
  if (published !== undefined) return await readPublished(published, progress);
  const source = await checkpointFile(path, say);
  try {
    const { tensors, info } = decodeCheckpoint(await Deno.readFile(source), source);
    return { tensors: evaluatedTensors(tensors, source), info, source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}

async function checkpointFile(path: string, say: (note: string) => void): Promise<string> {
  const found = await Deno.stat(path).catch(() => undefined);
  if (found?.isDirectory !== true) return path;
  const run = path.replace(/(.)\/+$/, "$1"),
    isFile = (name: string) => Deno.stat(`${run}/${name}`).then(() => true, () => false);
  if (await isFile("best.safetensors")) return `${run}/best.safetensors`;
  if (!await isFile("last.safetensors")) {
    throw new DataError(
      `${run}: the checkpoint does not exist; expected best.safetensors or last.safetensors of a run there`,
    );
  }
  say(`${run} has no best.safetensors, since no epoch has ended; last.safetensors is taken`);
  return `${run}/last.safetensors`;
}
