/** The objects of NumPy that pickles of images hold: arrays of bytes, written by Python 2 or 3. */

import type { PickleDialect, PickleFail } from "./dialect.ts";
import { isCount, isList, type PickleObject, type PickleValue } from "./values.ts";

/** Bytes. */
export interface PickledBytes extends PickleObject {
  /** What it is. */
  readonly kind: "bytes";
  /** The bytes, which share the pickle's memory. */
  readonly bytes: Uint8Array;
}

/** The type of an array's elements. */
export interface PickledType extends PickleObject {
  /** What it is. */
  readonly kind: "type";
  /** NumPy's name of it, such as `u1`. */
  readonly name: string;
}

/** An array of unsigned bytes; one of other elements has no bytes. */
export interface PickledArray extends PickleObject {
  /** What it is. */
  readonly kind: "array";
  /** Its extents. */
  shape: readonly number[];
  /** Its elements, row by row. */
  bytes?: Uint8Array;
}

/** The objects that {@link NUMPY} makes. */
export type NumpyObject = PickledBytes | PickledType | PickledArray;

/** What a pickle of NumPy's may hold. */
export type NumpyValue = PickleValue<NumpyObject>;

/** Where NumPy 1 and 2 keep the functions that make arrays again. */
const RECONSTRUCT = ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"];
const FROM_BUFFER = ["numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"];

/** Names are shorter, pixels longer: Python 2 has one kind of text for both. */
const LONGEST_TEXT = 255;

/** Reads pickles of NumPy's arrays: those of bytes, by protocols 2 to 5, of Python 2 and 3. */
export const NUMPY: PickleDialect<NumpyObject> = {
  writer: "Python's pickle",
  // CIFAR-100's training images take 155 MB, and half as much again as text.
  mostBytes: 2 ** 29,
  bytes: textOrBytes,
  text: textOrBytes,
  call(name, values, fail) {
    if (RECONSTRUCT.includes(name)) return { kind: "array", shape: [] };
    if (name === "numpy.dtype") {
      return typeof values[0] === "string"
        ? { kind: "type", name: values[0] }
        : fail("has a type of elements without a name");
    }
    if (FROM_BUFFER.includes(name)) {
      const array: PickledArray = { kind: "array", shape: [] }, [content, type, shape, order] = values;
      setState(array, [1, shape, type, order === "F", content], fail);
      return array;
    }
    // How Python 3 writes bytes for Python 2.
    if (name === "_codecs.encode" && typeof values[0] === "string") return textOrBytes(latin1Bytes(values[0], fail));
    return undefined;
  },
  build(object, state, fail) {
    if (object.kind === "array") setState(object, state, fail);
    // That of a type says its byte order, which bytes have not.
  },
};

/** Text of Python 2 and bytes are the same to it: names are short. */
function textOrBytes(bytes: Uint8Array): string | PickledBytes {
  return bytes.length > LONGEST_TEXT ? { kind: "bytes", bytes } : String.fromCharCode(...bytes);
}

function latin1Bytes(text: string, fail: PickleFail): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) {
    const code = text.charCodeAt(k);
    if (code > 0xff) fail("encodes text that is not Latin-1");
    bytes[k] = code;
  }
  return bytes;
}

/** Gives an array its state: (version, shape, type, whether column by column, bytes). */
function setState(array: PickledArray, state: NumpyValue, fail: PickleFail): void {
  const [, shape, type, columns, content] = isList(state) ? state : [];
  if (!isList(shape) || !shape.every(isCount) || !isObject(type, "type")) {
    return fail("has an array whose shape or type are not what NumPy writes");
  }
  array.shape = [...shape];
  if (type.name !== "u1" && type.name !== "uint8" && type.name !== "|u1") return;
  const bytes = isObject(content, "bytes")
    ? content.bytes
    : typeof content === "string"
    ? latin1Bytes(content, fail)
    : undefined;
  const count = array.shape.reduce((product, extent) => product * extent, 1);
  if (bytes?.length !== count || (columns !== false && array.shape.length > 1)) {
    return fail(
      `has an array of ${array.shape.join(" x ")} bytes that holds ${
        bytes?.length ?? "no"
      } bytes, or is not row by row`,
    );
  }
  array.bytes = bytes;
}

function isObject<K extends NumpyObject["kind"]>(
  value: NumpyValue | undefined,
  kind: K,
): value is Extract<NumpyObject, { readonly kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}
