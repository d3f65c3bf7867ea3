/**
 * The safetensors format: eight bytes of the header's length, a JSON header of names, types, shapes and offsets, then the
 * elements, little-endian and without gaps.
 */

import { DataError, elementCount, formatShape, jsonExcess, measureJson, showText } from "../core/mod.ts";
import { CHECKSUMS_KEY, type StoredTensor, verifyChecksums, writeChecksums } from "./_checksums.ts";
import { copyBytes, ELEMENT_TYPES, readElements } from "./_element_types.ts";
import { asBytes, type Fail, isBatchCount, MOST_DIMENSIONS } from "./_reading.ts";

/** A tensor's shape and elements. */
export interface NamedTensor {
  /** The extent of each dimension. */
  readonly shape: readonly number[];
  /** The elements, row by row. */
  readonly data: Float32Array | Uint32Array;
}

/** The content of a safetensors file. */
export interface TensorFile {
  /** The tensors by name. */
  readonly tensors: Map<string, NamedTensor>;
  /** The metadata: text by name. */
  readonly metadata: Record<string, string>;
}

/** Normalisation by the mean of each pixel is most of it: some 20 bytes a value. A network's tensors take 100 bytes each. */
const MOST_HEADER = 2 ** 26;
/** A tensor is two lists and an object, of four entries with its own. */
const BOUNDS = { depth: 3, containers: 200_000, entries: 200_000, values: 1_000_000 };

/**
 * Writes tensors and metadata, with checksums of both, which {@link decodeSafetensors} verifies.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@residua/residua/weights";
 * const bytes = encodeSafetensors(new Map([["fc.bias", { shape: [2], data: new Float32Array([1, 2]) }]]));
 * console.log(decodeSafetensors(bytes, "example").tensors.get("fc.bias")!.data[1]); // 2
 * ```
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const stored = [...tensors].map(([name, { shape, data }]): StoredTensor => ({
    name,
    dtype: data instanceof Float32Array ? "F32" : "U32",
    shape,
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }));
  const texts = { ...metadata, [CHECKSUMS_KEY]: writeChecksums(stored, metadata) };
  const entries: [string, unknown][] = [["__metadata__", texts]];
  let offset = 0;
  for (const { name, dtype, shape, bytes } of stored) {
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + bytes.length] }]);
    offset += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(text, 8);
  let at = 8 + headerLength;
  for (const { bytes: elements } of stored) {
    bytes.set(elements, at);
    at += elements.length;
  }
  return bytes;
}

/**
 * Reads a file. Elements of type F32 are as they were and those of type U32 stay whole numbers; all others become float32:
 * F64 is rounded to the nearest, F16, BF16, BOOL and the other whole numbers are exact. PyTorch's counts of batches
 * (`num_batches_tracked`) are left out, and so is the metadata of checksums, which are verified where there are any.
 *
 * @param given The whole file: an `ArrayBuffer` or any view of one.
 * @param source Its name, for messages.
 * @throws {DataError} If it is truncated or malformed, or not what was written, as its checksums tell: which tensor; or if it
 * holds another type, or a whole number that float32 does not.
 */
export function decodeSafetensors(given: ArrayBuffer | ArrayBufferView, source: string): TensorFile {
  const bytes = asBytes(given);
  const fail: Fail = (what) => {
    throw new DataError(`${source}: ${what}; the file is damaged or no safetensors file`);
  };
  if (bytes.length < 8) fail(`expected at least 8 bytes but the file has ${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) fail(`its header should take ${length} bytes but the file has ${bytes.length}`);
  if (length > MOST_HEADER) fail(`its header takes ${length} bytes, more than ${MOST_HEADER}`);
  const header = readHeader(bytes.subarray(8, 8 + length), fail), body = bytes.subarray(8 + length);
  let metadata: Record<string, string> = {};
  const entries: HeaderEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = readMetadata(value) ?? fail("its metadata is not text by name");
    else entries.push(readEntry(name, value) ?? fail(`the entry of the tensor ${showText(name)} is malformed`));
  }
  // What is read takes no more than the file allows only if no bytes are read twice, so the offsets are checked first.
  let end = 0;
  for (const { from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) fail(`its tensors ${from < end ? "overlap" : "leave a gap"} at byte ${from}`);
    end = to;
  }
  if (end > body.length) fail(`its tensors take ${end} bytes but ${body.length} are there, so it was cut short`);
  if (end < body.length) fail(`its tensors end at byte ${end} of ${body.length}`);
  const { [CHECKSUMS_KEY]: checksums, ...texts } = metadata;
  if (checksums !== undefined) {
    verifyChecksums(
      checksums,
      entries.map((entry) => ({ ...entry, bytes: body.subarray(entry.from, entry.to) })),
      texts,
      fail,
    );
  }
  const tensors = new Map<string, NamedTensor>();
  for (const { name, dtype, shape, from, to } of entries) {
    const what = `the tensor ${showText(name)}`, type = ELEMENT_TYPES.get(dtype), count = elementCount(shape);
    if (type === undefined) {
      const types = [...ELEMENT_TYPES.keys()].join(", ");
      const message = `${what} is of type ${showText(dtype)}, expected one of ${types}; convert it to F32`;
      throw new DataError(`${source}: ${message}`);
    }
    if (to - from !== count * type.bytes) {
      fail(`${what} of type ${dtype} and shape ${showText(formatShape(shape))} takes ${to - from} bytes`);
    }
    if (isBatchCount(name)) continue;
    const data = dtype === "U32"
      ? new Uint32Array(copyBytes(body.subarray(from, to)))
      : readElements(body.subarray(from, to), type, { shape }, count, `${source}: ${what}`);
    tensors.set(name, { shape, data });
  }
  return { tensors, metadata: texts };
}

function readHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  const measure = measureJson(bytes), excess = jsonExcess(measure, BOUNDS);
  if (excess !== undefined) fail(`its header ${excess}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    fail("its header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) fail("its header is not a JSON object");
  // JSON.parse keeps the last of several entries of one name, and says nothing.
  const names = [header as object, ...Object.values(header as object).filter((value) => !Array.isArray(value))]
    .reduce((sum, value) => sum + (typeof value === "object" ? Object.keys(value ?? {}).length : 0), 0);
  const written = measure.outerEntries;
  if (written !== names) fail(`its header has ${written} entries but ${names} names, so some name comes twice`);
  return header as Record<string, unknown>;
}

interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readEntry(name: string, value: unknown): HeaderEntry | undefined {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !isCounts(shape) || !isCounts(offsets)) return undefined;
  if (shape.length > MOST_DIMENSIONS || offsets.length !== 2 || offsets[0] > offsets[1]) return undefined;
  return { name, dtype, shape, from: offsets[0], to: offsets[1] };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((part) => Number.isSafeInteger(part) && part >= 0);
}

function readMetadata(entry: unknown): Record<string, string> | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const pairs = Object.entries(entry);
  return pairs.every(([, text]) => typeof text === "string") ? Object.fromEntries(pairs) : undefined;
}
