/** What a pickle holds: plain values, and descriptions of Python's objects. */

/** A description of an object of Python. */
export interface PickleObject {
  /** What it is. */
  readonly kind: string;
}

/** A Python object that is known by its name alone: a class or a function. */
export interface GlobalReference {
  /** What it is. */
  readonly kind: "global";
  /** Its module and its name, with a dot between. */
  readonly name: string;
}

/** A Python object that the reader has no need of. It is neither made nor called: all that is known is its name. */
export interface OpaqueObject {
  /** What it is. */
  readonly kind: "opaque";
  /** The class or function that Python would have called. */
  readonly name: string;
}

/** A dictionary. */
export interface PickleDictionary<O extends PickleObject = never> {
  /** What it is. */
  readonly kind: "dictionary";
  /** What it holds, in its order. */
  readonly entries: Map<PickleKey, PickleValue<O>>;
}

/** What a dictionary's keys may be. */
export type PickleKey = string | number | bigint | boolean | null;

/** What a pickle may hold, `O` being the objects that its reader makes. A tuple is a list that is frozen. */
export type PickleValue<O extends PickleObject = never> =
  | PickleKey
  | readonly PickleValue<O>[]
  | PickleDictionary<O>
  | GlobalReference
  | OpaqueObject
  | O;

/** Whether a value is of a kind. */
export function isKind<O extends PickleObject, K extends PickleObject["kind"]>(
  value: PickleValue<O> | undefined,
  kind: K,
): value is Extract<PickleValue<O>, { readonly kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** Whether a value is a class or a function. */
export function isGlobal<O extends PickleObject>(value: PickleValue<O> | undefined): value is GlobalReference {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "global";
}

/** Whether a value is a list or a tuple. */
export function isList<O extends PickleObject>(value: PickleValue<O> | undefined): value is readonly PickleValue<O>[] {
  return Array.isArray(value);
}

/** Whether a value is a dictionary. */
export function isDictionary<O extends PickleObject>(value: PickleValue<O> | undefined): value is PickleDictionary<O> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dictionary";
}

/** Whether a value is a placeholder. */
export function isOpaque<O extends PickleObject>(value: PickleValue<O> | undefined): value is OpaqueObject {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "opaque";
}

/** Whether a value is a whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
