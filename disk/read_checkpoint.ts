/** Reads weights from the disk, in every form in which they are kept. */

import fs from "node:fs/promises";
import { DataError, parseJson } from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeShards,
  evaluatedTensors,
  needsLibraryConfig,
  readLibraryConfig,
} from "../weights/mod.ts";
import { explain, MOST_BYTES, readFile, readIfThere, splitPath, withoutSeparators } from "../files/mod.ts";

/** The options of {@link readCheckpoint}. */
export interface ReadOptions {
  /** The network, where a bare file does not say it. */
  readonly model?: Model;
  /** Hears where in a file the weights were, and what is not done as the files beside it say. Defaults to nobody. */
  readonly onNote?: (note: string) => void;
}

/** A checkpoint and the file that it is from. */
export interface ReadCheckpoint extends Checkpoint {
  /** The file, for messages. */
  readonly source: string;
}

/** A run's newest checkpoint. */
const LAST = "last.safetensors";
/** What a folder of weights may hold, the best checkpoint of a run first. */
const FILES = ["best.safetensors", LAST, "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"];

/**
 * Reads a weight file, the best checkpoint of a run folder, the last one where no epoch has ended yet, or a folder as
 * Hugging Face's libraries save one: whole or in shards, with what `config.json` and `preprocessor_config.json` beside the
 * weights say. Its tensors are those that a network computes with, without the optimiser's.
 *
 * @param path The file or the folder; after a #, which of several sets of weights in a file.
 * @param options The network of a bare file, and who hears notes.
 * @throws {DataError} If there is none, or it is damaged, or a tensor holds NaN or infinity.
 *
 * @example
 * ```ts
 * import { loadModel } from "@residua/residua";
 * import { readCheckpoint } from "@residua/residua/disk";
 * using model = await loadModel(await readCheckpoint("runs/first"));
 * console.log(model.classes);
 * ```
 */
export async function readCheckpoint(
  path: string,
  { model, onNote: say = () => {} }: ReadOptions = {},
): Promise<ReadCheckpoint> {
  const { file, entry } = await splitEntry(path), source = await weightFile(file, say);
  try {
    const folder = source.slice(0, -splitPath(source).name.length), bytes = await readWeights(source);
    const found = source.endsWith(".index.json")
      ? await decodeShards(bytes, source, (name) => readWeights(folder + name, "the file that the index names"), {
        model,
        entry,
      })
      : decodeCheckpoint(bytes, source, { model, entry });
    if (found.entry !== undefined) say(`${source}: took the weights under ${found.entry}`);
    const checkpoint = { ...found, tensors: evaluatedTensors(found.tensors, source), source };
    if (found.info !== undefined) return checkpoint;
    const { info, notes } = readLibraryConfig(
      await readJson(`${folder}config.json`),
      await readJson(`${folder}preprocessor_config.json`),
    );
    if (info !== undefined) {
      say(`${source}: took ${info.model.name} and its ${info.classes.length} classes from config.json`);
    }
    for (const note of notes) say(`${source}: ${note}`);
    if (needsLibraryConfig({ ...found, info })) {
      throw new DataError(
        `${source}: these are weights of transformers' MobileNet-V2, of which only config.json says how it pads and ` +
          "normalises; put the config.json and preprocessor_config.json that came with them beside the file",
      );
    }
    return { ...checkpoint, info };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}

/** A path and what stands behind its last #, unless a file has that in its name. */
async function splitEntry(path: string): Promise<{ readonly file: string; readonly entry?: string }> {
  const at = path.lastIndexOf("#");
  if (at < 1 || await fs.stat(path).then(() => true, () => false)) return { file: path };
  return { file: path.slice(0, at), entry: path.slice(at + 1) };
}

/** The file of weights in a folder; a path that is none is given back. */
async function weightFile(path: string, say: (note: string) => void): Promise<string> {
  if ((await fs.stat(path).catch(() => undefined))?.isDirectory() !== true) return path;
  const folder = withoutSeparators(path);
  for (const name of FILES) {
    if (!await fs.stat(`${folder}/${name}`).then((found) => found.isFile(), () => false)) continue;
    if (name === LAST) say(`${folder} has no best.safetensors, since no epoch has ended; ${LAST} is taken`);
    return `${folder}/${name}`;
  }
  throw new DataError(
    `${folder}: the checkpoint does not exist; expected best.safetensors or ${LAST} of a run there, or model.safetensors`,
  );
}

/** Reads a file of weights, or an index of such. */
async function readWeights(path: string, what = "the checkpoint"): Promise<Uint8Array> {
  return await readFile(path, { what, most: path.endsWith(".json") ? MOST_BYTES.text : MOST_BYTES.weights });
}

/** The content of a file that need not be there. */
async function readJson(path: string): Promise<unknown> {
  const bytes = await readIfThere(path, { most: MOST_BYTES.text });
  if (bytes === undefined) return undefined;
  try {
    return parseJson(bytes, path);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${path}: it is not JSON text; remove it to use the weights without it`);
  }
}
