/** Reads the weights that a command is given. */

import type { Model } from "../../models/mod.ts";
import { type Checkpoint, decodeCheckpoint } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";

/**
 * Reads a weight file, or the best checkpoint of a run folder. Says on standard error where in a file the weights were.
 *
 * @param path The file, or the folder.
 * @param model The network of a bare file, where it is known.
 * @throws {DataError} If there is none, or it is damaged.
 */
export async function readCheckpoint(path: string, model?: Model): Promise<Checkpoint & { readonly source: string }> {
  let source = path;
  try {
    if ((await Deno.stat(path)).isDirectory) source = `${path.replace(/\/+$/, "")}/best.safetensors`;
    const checkpoint = decodeCheckpoint(await Deno.readFile(source), source, { model });
    if (checkpoint.entry !== undefined) console.error(`${source}: took the weights under ${checkpoint.entry}`);
    return { ...checkpoint, source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}
