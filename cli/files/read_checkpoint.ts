/** Reads the weights that a command is given. */

import { type Checkpoint, decodeCheckpoint } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";

/**
 * Reads a weight file, or the best checkpoint of a run folder.
 *
 * @throws {DataError} If there is none, or it is damaged.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint & { readonly source: string }> {
  let source = path;
  try {
    if ((await Deno.stat(path)).isDirectory) source = `${path.replace(/\/+$/, "")}/best.safetensors`;
    return { ...decodeCheckpoint(await Deno.readFile(source), source), source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}
