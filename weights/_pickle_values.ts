/** What a pickle of `torch.save` holds: plain values, and descriptions of the Python objects that tensors are made of. */

import { type Fail, MOST_DIMENSIONS } from "./_reading.ts";

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

/** A Python object that is known by its name alone: a class or a function. */
export interface GlobalReference {
  readonly kind: "global";
  readonly name: string;
}

/** A Python object that a weight file has no need of. It is neither made nor called: all that is known is its name. */
export interface OpaqueObject {
  readonly kind: "opaque";
  /** The class or function that Python would have called. */
  readonly name: string;
}

/** A dictionary. */
export interface PickleDictionary {
  readonly kind: "dictionary";
  readonly entries: Map<PickleKey, PickleValue>;
}

/** What a dictionary's keys may be. */
export type PickleKey = string | number | bigint | boolean | null;

/** What a pickle may hold. A tuple is a list that is frozen. */
export type PickleValue =
  | PickleKey
  | readonly PickleValue[]
  | PickleDictionary
  | StorageReference
  | TensorReference
  | GlobalReference
  | OpaqueObject;

type Kinds = Extract<PickleValue, { readonly kind: string }>;

/** Whether a value is of a kind. */
export function isKind<K extends Kinds["kind"]>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<Kinds, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** Whether a value is a list or a tuple. */
export function isList(value: PickleValue | undefined): value is readonly PickleValue[] {
  return Array.isArray(value);
}

/** Whether a value is a dictionary. */
export function isDictionary(value: PickleValue | undefined): value is PickleDictionary {
  return isKind(value, "dictionary");
}

/** Whether a value is a tensor. */
export function isTensor(value: PickleValue | undefined): value is TensorReference {
  return isKind(value, "tensor");
}

/** Whether a value is a storage that no tensor views. */
export function isStorage(value: PickleValue | undefined): value is StorageReference {
  return isKind(value, "storage");
}

/** Whether a value is a placeholder. */
export function isOpaque(value: PickleValue | undefined): value is OpaqueObject {
  return isKind(value, "opaque");
}

/** Whether a value is a whole number from 0 on. */
export function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Whether a value is a tuple of counts. A list would not do: the pickle could change it later. */
export function isExtents(value: PickleValue | undefined): value is readonly number[] {
  return isList(value) && Object.isFrozen(value) && value.length <= MOST_DIMENSIONS && value.every(isCount);
}

const STORAGES = ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]
  .map((type) => `torch.${type}Storage`);

/** The storage that a persistent id stands for: ("storage", class, key, device, elements). */
export function storageOf(id: PickleValue, fail: Fail): StorageReference {
  const [tag, type, key, , elements, view = null] = isList(id) ? id : [];
  const [, start, size] = view === null ? [null, 0, elements] : isList(view) ? view : [];
  if (
    tag !== "storage" || !isStorageType(type) || typeof key !== "string" || !isCount(elements) || !isCount(start) ||
    !isCount(size) || start + size > elements
  ) {
    return fail("refers to a storage in a way that torch.save does not");
  }
  return { kind: "storage", type: type.name, key, elements, start };
}

/** Whether a value is the name of one of PyTorch's classes of storages. */
export function isStorageType(type: PickleValue | undefined): type is GlobalReference {
  return isKind(type, "global") && STORAGES.includes(type.name);
}
