/** Reads the weights that a command is given. */

import { DataError } from "../../core/mod.ts";
import { type Checkpoint, decodeCheckpoint, evaluatedTensors } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";

/** A checkpoint and the file that it is from. */
export type ReadCheckpoint = Checkpoint & { readonly source: string };

/**
 * Reads a weight file, or the best checkpoint of a run folder; the last one where no epoch has ended yet. Its tensors are
 * those that a network computes with, without the optimiser's.
 *
 * @param path The file or the run folder.
 * @param say Hears that the last one was taken. Defaults to a line on standard error.
 * @throws {DataError} If there is none, or it is damaged, or a tensor holds NaN or infinity.
 */
export async function readCheckpoint(
  path: string,
  say: (note: string) => void = (note) => console.error(`note: ${note}`),
): Promise<ReadCheckpoint> {
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
