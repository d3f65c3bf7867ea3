/**
 * The files of `torch.save` before PyTorch 0.1.2 (2017): a tar archive of `pickle`, the value, in which a tensor is a number;
 * `tensors`, which says of each what it views; `storages`, the elements; and `sys_info`, what the machine was.
 */

import { isCount, isDictionary, isGlobal, isList } from "../data/mod.ts";
import { ELEMENT_TYPES } from "./_element_types.ts";
import {
  isStorageType,
  type PersistentLoad,
  readFirstTorchPickle,
  type StorageReference,
  type TensorReference,
  type TorchValue,
} from "./_torch_pickle.ts";
import { type Fail, MOST_DIMENSIONS } from "./_reading.ts";
import { readTar } from "./_tar.ts";
import { SAVE_AGAIN, STORAGE_TYPES, type TorchContent } from "./_torch_content.ts";

/** Takes such a file apart. */
export function openTar(bytes: Uint8Array, fail: Fail): TorchContent {
  const files = readTar(bytes, fail), missing = PARTS.filter((part) => !files.has(part));
  if (missing.length === PARTS.length) fail("it is a tar archive, but not one of PyTorch's; unpack it first");
  if (missing.length > 0) fail(`it is a tar archive as PyTorch's first versions wrote, but without ${missing[0]}`);
  const machine = files.has("sys_info") ? new Part("sys_info", files.get("sys_info")!, fail).pickle() : null;
  if (isDictionary(machine) && machine.entries.get("little_endian") === false) {
    fail(
      `its numbers are in the byte order of a big-endian machine, expected little-endian; ${SAVE_AGAIN} on another machine`,
    );
  }
  const [value, tensorPart, storagePart] = PARTS.map((part) => new Part(part, files.get(part)!, fail));
  const { contents, references } = readStorages(storagePart);
  const tensors = readTensorTable(tensorPart, references);
  return {
    value: value.pickle((id) => {
      const tensor = typeof id === "string" ? tensors.get(id) : undefined;
      return tensor ?? fail("its pickle refers to a tensor that the file lacks; the file is damaged, or no state_dict");
    }),
    storage: (key) => ({ name: `storage ${key}`, bytes: contents.get(key) }),
  };
}

const PARTS = ["pickle", "tensors", "storages"] as const;

/** A part of the archive, read from its beginning to its end. */
class Part {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: Fail;
  #at = 0;

  constructor(name: string, bytes: Uint8Array, fail: Fail) {
    this.#name = name;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  /** Ends the reading: the part holds something else than it should. */
  fail(what: string): never {
    return this.#fail(`its ${this.#name} ${what}; the file is damaged, or no state_dict`);
  }

  /** The next pickle. Outside of the value's, a persistent id stands for nothing. */
  pickle(persistent: PersistentLoad = () => this.fail("refers to something outside of it")): TorchValue {
    const { value, end } = readFirstTorchPickle(this.#bytes.subarray(this.#at), (what) => this.fail(what), persistent);
    this.#at += end;
    return value;
  }

  /** The next pickle, which must be of a count. */
  count(): number {
    const count = this.pickle();
    // Each of what is counted takes some bytes.
    return isCount(count) && count <= this.#bytes.length ? count : this.fail("does not say how many it holds");
  }

  /** The next bytes, as a view. */
  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.#bytes.length - this.#at)) this.fail("ends in the middle of a value");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** The next int64, which must be 0 or more. */
  int64(): number {
    this.take(8);
    const value = Number(this.#view.getBigInt64(this.#at - 8, true));
    return isCount(value) ? value : this.fail("has a number that is out of its range");
  }

  /** The next int32, and four bytes that mean nothing. */
  dimensions(): number {
    this.take(8);
    const value = this.#view.getInt32(this.#at - 8, true);
    return value >= 0 && value <= MOST_DIMENSIONS ? value : this.fail(`has a tensor of ${value} dimensions`);
  }
}

/** A number by which parts refer to each other, as text. */
function keyOf(part: Part, key: TorchValue | undefined): string {
  return typeof key === "number" || typeof key === "bigint" ? String(key) : part.fail("numbers something by no number");
}

/** The bytes of storages, and storages and views of them, by number. */
function readStorages(part: Part) {
  const contents = new Map<string, Uint8Array>(), references = new Map<string, StorageReference>();
  const add = (key: TorchValue | undefined, reference: (key: string) => StorageReference) => {
    const name = keyOf(part, key);
    if (references.has(name)) part.fail(`holds the number ${name} twice`);
    references.set(name, reference(name));
  };
  for (let k = part.count(); k > 0; k--) {
    const entry = part.pickle(), [key, , type] = isList(entry) ? entry : [];
    if (!isStorageType(type)) return part.fail("has a storage of a type that is not known");
    const elements = part.int64(),
      bytes = part.take(elements * ELEMENT_TYPES.get(STORAGE_TYPES.get(type.name)!)!.bytes);
    add(key, (key) => {
      contents.set(key, bytes);
      return { kind: "storage", type: type.name, key, elements, start: 0 };
    });
  }
  const views = part.pickle();
  if (!isList(views)) return part.fail("does not list its views");
  for (const view of views) {
    const [key, rootKey, offset, size] = isList(view) ? view : [], root = references.get(keyOf(part, rootKey));
    if (root === undefined || !isCount(offset) || !isCount(size) || root.start + offset + size > root.elements) {
      return part.fail("has a view that leaves its storage");
    }
    add(key, () => ({ ...root, start: root.start + offset }));
  }
  return { contents, references };
}

/** The tensors by number. */
function readTensorTable(
  part: Part,
  storages: ReadonlyMap<string, StorageReference>,
): ReadonlyMap<string, TensorReference> {
  const tensors = new Map<string, TensorReference>();
  for (let k = part.count(); k > 0; k--) {
    const entry = part.pickle(), [key, storageKey, type] = isList(entry) ? entry : [];
    const storage = storages.get(keyOf(part, storageKey)), name = keyOf(part, key), dimensions = part.dimensions();
    const [shape, strides] = [0, 1].map(() => Array.from({ length: dimensions }, () => part.int64()));
    const offset = part.int64();
    if (storage === undefined || !isGlobal(type) || tensors.has(name)) {
      return part.fail(`has the tensor ${name} twice, or without a storage`);
    }
    tensors.set(name, { kind: "tensor", storage, offset: storage.start + offset, shape, strides });
  }
  return tensors;
}
