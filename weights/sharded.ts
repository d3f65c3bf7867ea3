/** Weights in several safetensors files, with an index that says which holds what, as Hugging Face's libraries save them. */

import { DataError, parseJson, showText } from "../core/mod.ts";
import { bareContent, chooseTensors, wantedShapes } from "./_choose_tensors.ts";
import { asBytes, type Fail, isBatchCount, listNames } from "./_reading.ts";
import type { Checkpoint, DecodeOptions } from "./checkpoint.ts";
import { decodeSafetensors, type NamedTensor } from "./safetensors.ts";

/**
 * Reads the files that an index names, one after the other.
 *
 * @param index The content of `model.safetensors.index.json`.
 * @param source The index's name, for messages.
 * @param read Reads a file that stands beside the index, by its name.
 * @param options The network, where it is known.
 * @throws {DataError} If the index is malformed or names files elsewhere, or a file is damaged, lacks a tensor that the index
 * says it holds, or holds one that it does not say.
 *
 * @example
 * ```ts
 * import { decodeShards, encodeSafetensors } from "@residua/residua/weights";
 * const bias = new Map([["fc.bias", { shape: [2], data: Float32Array.of(1, 2) }]]);
 * const files = new Map([["model-00001-of-00001.safetensors", encodeSafetensors(bias)]]);
 * const index = new TextEncoder().encode('{"weight_map":{"fc.bias":"model-00001-of-00001.safetensors"}}');
 * const { tensors } = await decodeShards(index, "model.safetensors.index.json", (name) => files.get(name)!);
 * console.log(tensors.get("fc.bias")?.data[1]); // 2
 * ```
 */
export async function decodeShards(
  index: ArrayBuffer | ArrayBufferView,
  source: string,
  read: (name: string) => Promise<ArrayBuffer | ArrayBufferView> | ArrayBuffer | ArrayBufferView,
  { model, entry }: DecodeOptions = {},
): Promise<Checkpoint> {
  const fail: Fail = (what) => {
    throw new DataError(`${source}: ${what}`);
  };
  const files = readIndex(asBytes(index), source, fail), tensors = new Map<string, NamedTensor>();
  for (const [file, names] of files) {
    const shard = decodeSafetensors(await read(file), file).tensors;
    const missing = [...names].filter((name) => !shard.has(name) && !isBatchCount(name));
    if (missing.length > 0) fail(`it says that ${file} holds ${listNames(missing)}, which that file lacks`);
    const extra = [...shard.keys()].filter((name) => !names.has(name));
    if (extra.length > 0) {
      fail(`${file} holds ${listNames(extra)}, which the index does not say; are they of one model?`);
    }
    for (const [name, tensor] of shard) tensors.set(name, tensor);
  }
  return bareContent(chooseTensors([{ path: "", tensors }], model && wantedShapes(model), entry, fail));
}

/** An index is an object of an object. */
const BOUNDS = { depth: 8, containers: 1000, entries: 200_000, values: 200_000 };

/** The names of each file's tensors. */
function readIndex(bytes: Uint8Array, source: string, fail: Fail): Map<string, Set<string>> {
  let map: unknown;
  try {
    map = (parseJson(bytes, source, BOUNDS) as { readonly weight_map?: unknown } | null)?.weight_map;
  } catch (error) {
    if (error instanceof DataError) throw error;
    fail("it is not JSON text");
  }
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    return fail('it has no "weight_map", which says in which file each tensor is');
  }
  const files = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(map)) {
    // A name alone: what lies elsewhere is none of the index's business.
    if (typeof file !== "string" || !/^[^/\\]+\.safetensors$/.test(file)) {
      return fail(
        `it says that ${showText(name)} is in ${
          showText(typeof file === "string" ? file : JSON.stringify(file))
        }, expected a safetensors file beside it`,
      );
    }
    const names = files.get(file) ?? new Set();
    files.set(file, names.add(name));
  }
  if (files.size === 0) fail("it names no tensors");
  return files;
}
