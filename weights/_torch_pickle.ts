/** The objects of PyTorch that the pickles of `torch.save` hold: descriptions of storages and tensors. */

import {
  type GlobalReference,
  isCount,
  isGlobal,
  isKind,
  isList,
  type PickleDialect,
  type PickleDictionary,
  type PickleValue,
  readPickle,
} from "../data/mod.ts";
import { type Fail, MOST_DIMENSIONS } from "./_reading.ts";

const STORAGES = ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]
  .map((type) => `torch.${type}Storage`);
const TENSOR = "torch._utils._rebuild_tensor_v2", PARAMETER = "torch._utils._rebuild_parameter";
/** Before PyTorch 0.4: without the hooks of gradients. */
const OLD_TENSOR = "torch._utils._rebuild_tensor";

/** A `state_dict` takes some 150 bytes a tensor, and a few lists and dictionaries each. */
const MOST_BYTES = 2 ** 24;

/** A storage: an entry of the archive. */
export interface StorageReference {
  readonly kind: "storage";
  /** PyTorch's class, such as `torch.FloatStorage`. */
  readonly type: string;
  /** The entry's name below `data/`. */
  readonly key: string;
  /** Its elements. */
  readonly elements: number;
  /** The element at which the part begins that is meant; PyTorch's first versions had views of storages. */
  readonly start: number;
}

/** A tensor: a strided view of a storage. The numbers are as the file has them. */
export interface TensorReference {
  readonly kind: "tensor";
  readonly storage: StorageReference;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** What such a pickle may hold. */
export type TorchValue = PickleValue<StorageReference | TensorReference>;

/** A dictionary of them. */
export type TorchDictionary = PickleDictionary<StorageReference | TensorReference>;

/** Whether a value is a tensor. */
export function isTensor(value: TorchValue | undefined): value is TensorReference {
  return isKind(value, "tensor");
}

/** Whether a value is a storage that no tensor views. */
export function isStorage(value: TorchValue | undefined): value is StorageReference {
  return isKind(value, "storage");
}

/** Whether a value is a tuple of counts. A list would not do: the pickle could change it later. */
function isExtents(value: TorchValue | undefined): value is readonly number[] {
  return isList(value) && Object.isFrozen(value) && value.length <= MOST_DIMENSIONS && value.every(isCount);
}

const TORCH: PickleDialect<StorageReference | TensorReference> = {
  writer: "torch.save",
  mostBytes: MOST_BYTES,
  call(name, values, fail) {
    if (name === PARAMETER && isTensor(values[0])) return values[0];
    if (name === TENSOR || name === OLD_TENSOR) return tensorOf(values, fail);
    return name === PARAMETER ? fail(`calls ${name} with other arguments than torch.save does`) : undefined;
  },
};

/**
 * Reads a pickle of `torch.save`.
 *
 * @param bytes The whole pickle.
 * @param fail Throws, given what is wrong with the pickle.
 */
export function readTorchPickle(bytes: Uint8Array, fail: Fail): TorchValue {
  if (bytes.length > MOST_BYTES) fail(`takes ${bytes.length} bytes, far more than the names of any network's tensors`);
  return readFirstTorchPickle(bytes, fail).value;
}

/** What a persistent id stands for, by which a pickle refers to what lies outside of it. */
export type PersistentLoad = (id: TorchValue, fail: Fail) => StorageReference | TensorReference;

/** Reads the pickle that bytes begin with, and tells where it ends. Persistent ids default to those of storages. */
export function readFirstTorchPickle(
  bytes: Uint8Array,
  fail: Fail,
  persistent: PersistentLoad = storageOf,
): { readonly value: TorchValue; readonly end: number } {
  return readPickle(bytes, { ...TORCH, persistent }, fail);
}

/** The storage that a persistent id stands for: ("storage", class, key, device, elements). */
function storageOf(id: TorchValue, fail: Fail): StorageReference {
  const [tag, type, key, , elements, view = null] = isList(id) ? id : [];
  const [, start, size] = view === null ? [null, 0, elements] : isList(view) ? view : [];
  if (
    tag !== "storage" || !isStorageType(type) || typeof key !== "string" ||
    !isCount(elements) || !isCount(start) || !isCount(size) || start + size > elements
  ) {
    return fail("refers to a storage in a way that torch.save does not");
  }
  return { kind: "storage", type: type.name, key, elements, start };
}

/** Whether a value is the name of one of PyTorch's classes of storages. */
export function isStorageType(type: TorchValue | undefined): type is GlobalReference {
  return isGlobal(type) && STORAGES.includes(type.name);
}

function tensorOf([storage, offset, shape, strides]: readonly TorchValue[], fail: Fail): TensorReference {
  if (!isStorage(storage) || !isCount(offset) || !isExtents(shape) || !isExtents(strides)) {
    return fail("has a tensor whose offset, shape or strides are not what torch.save writes");
  }
  if (shape.length !== strides.length) fail("has a tensor with another number of strides than of dimensions");
  return { kind: "tensor", storage, offset: storage.start + offset, shape, strides };
}
