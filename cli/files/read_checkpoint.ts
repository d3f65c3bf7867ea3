/** Reads the weights that a command is given. */

import { type Checkpoint, decodeCheckpoint, publishedWeights } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";
import { readPublished } from "./published_weights.ts";

/** The options of {@link readCheckpoint}. */
export interface ReadOptions {
  /** The network, where the name of published weights does not say it. */
  readonly model?: string;
  /** Whether a line on a terminal shows a download. Defaults to true. */
  readonly progress?: boolean;
}

/**
 * Reads a weight file, the best checkpoint of a run folder, or published weights by their name.
 *
 * @throws {DataError} If there is none, or it is damaged.
 * @throws {UsageError} If it is the name of published weights that do not exist.
 */
export async function readCheckpoint(
  path: string,
  { model, progress = true }: ReadOptions = {},
): Promise<Checkpoint & { readonly source: string }> {
  const published = publishedWeights(path, model);
  if (published !== undefined) return await readPublished(published, progress);
  let source = path;
  try {
    if ((await Deno.stat(path)).isDirectory) source = `${path.replace(/\/+$/, "")}/best.safetensors`;
    return { ...decodeCheckpoint(await Deno.readFile(source), source), source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}
