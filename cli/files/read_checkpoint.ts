/** Reads the weights that a command is given. */

import { DataError } from "../../core/mod.ts";
import type { Model } from "../../models/mod.ts";
import { type Checkpoint, decodeCheckpoint, decodeShards, readLibraryConfig } from "../../weights/mod.ts";
import { explain } from "./disk_error.ts";

/** What a folder of weights may hold, the best checkpoint of a run first. */
const FILES = ["best.safetensors", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"];

/**
 * Reads a weight file, the best checkpoint of a run folder, or a folder as Hugging Face's libraries save one: whole or in
 * shards, with what `config.json` and `preprocessor_config.json` beside the weights say. Tells on standard error where in a
 * file the weights were, and what is not done as these files say.
 *
 * @param path The file, or the folder; after a #, which of several sets of weights in it.
 * @param model The network of a bare file, where it is known.
 * @throws {DataError} If there is none, or it is damaged.
 */
export async function readCheckpoint(path: string, model?: Model): Promise<Checkpoint & { readonly source: string }> {
  const { file, entry } = await splitEntry(path);
  let source = file;
  try {
    if ((await Deno.stat(file)).isDirectory) source = await fileIn(file.replace(/\/+$/, ""));
    const folder = source.slice(0, source.lastIndexOf("/") + 1), bytes = await Deno.readFile(source);
    const checkpoint = source.endsWith(".index.json")
      ? await decodeShards(bytes, source, (name) => readShard(folder + name), { model, entry })
      : decodeCheckpoint(bytes, source, { model, entry });
    if (checkpoint.entry !== undefined) console.error(`${source}: took the weights under ${checkpoint.entry}`);
    if (checkpoint.info !== undefined) return { ...checkpoint, source };
    const { info, notes } = readLibraryConfig(
      await readJson(`${folder}config.json`),
      await readJson(`${folder}preprocessor_config.json`),
    );
    const found = info && `took ${info.model.name} and its ${info.classes.length} classes from config.json`;
    for (const note of [...(found === undefined ? [] : [found]), ...notes]) console.error(`${source}: ${note}`);
    return { ...checkpoint, info, source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}

/** A path and what stands behind its last #, unless a file has that in its name. */
async function splitEntry(path: string): Promise<{ readonly file: string; readonly entry?: string }> {
  const at = path.lastIndexOf("#");
  if (at < 1 || await Deno.stat(path).then(() => true, () => false)) return { file: path };
  return { file: path.slice(0, at), entry: path.slice(at + 1) };
}

/** The weights in a folder; the name of a run's where there are none. */
async function fileIn(folder: string): Promise<string> {
  for (const name of FILES) {
    const path = `${folder}/${name}`;
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return `${folder}/${FILES[0]}`;
}

async function readShard(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw explain("the file that the index names", path, error);
  }
}

/** The content of a file that need not be there. */
async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new DataError(`${path}: it is not JSON text; remove it to use the weights without it`);
  }
}
