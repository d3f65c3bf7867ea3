/** Weights that torchvision publishes, from the user's cache folder or from the network. */

import { DataError } from "../../core/mod.ts";
import { type Checkpoint, decodePublished, PUBLISHED_ADDRESS, type PublishedWeights } from "../../weights/mod.ts";
import { cacheFolder } from "../cache_folder.ts";
import { download } from "./download.ts";
import { MOST_BYTES, readIfThere, writeFile } from "../../files/mod.ts";
import { printNotice } from "../reports/layout.ts";

/** The environment variable that names another address than torchvision's, below which the same files are. */
export const ADDRESS_VARIABLE = "RESIDUA_WEIGHTS_URL";

/**
 * Reads published weights: the file of the cache folder if it is there, else what the network gives, which is then kept. Either
 * must have the hash of its name.
 *
 * @param progress Whether a line on a terminal shows a download.
 * @throws {DataError} If the file is damaged, or there is none and the network does not give it.
 */
export async function readPublished(
  weights: PublishedWeights,
  progress: boolean,
): Promise<Checkpoint & { readonly source: string }> {
  const path = `${cacheFolder()}/weights/${weights.file}`, source = weights.name;
  const cached = await readIfThere(path, { what: "the weight file", most: MOST_BYTES.weights });
  if (cached !== undefined) {
    try {
      return { ...await decodePublished(weights, cached, path), source };
    } catch (error) {
      if (error instanceof DataError) throw new DataError(`${error.message}; remove it, so that it is fetched again`);
      throw error;
    }
  }
  const address = (Deno.env.get(ADDRESS_VARIABLE) ?? PUBLISHED_ADDRESS).replace(/\/+$/, "");
  const url = `${address}/${weights.file}`;
  const bytes = await download(url, { progress, otherwise: `to go without a network, put the file at ${path}` });
  const checkpoint = await decodePublished(weights, bytes, url);
  try {
    await writeFile(path, bytes);
  } catch (error) {
    printNotice(`warning: ${(error as Error).message}; the weights are fetched again the next time`);
  }
  return { ...checkpoint, source };
}
