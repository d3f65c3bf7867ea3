/**
 * The safetensors format: eight bytes of the header's length, a JSON header of names, types, shapes and offsets, then the
 * elements, little-endian and without gaps.
 */

import { DataError, elementCount } from "../core/mod.ts";

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

const MAX_HEADER = 100_000_000;

/**
 * Writes tensors and metadata.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "./mod.ts";
 * const bytes = encodeSafetensors(new Map([["fc.bias", { shape: [2], data: new Float32Array([1, 2]) }]]));
 * console.log(decodeSafetensors(bytes, "example").tensors.get("fc.bias")!.data[1]); // 2
 * ```
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    const dtype = data instanceof Float32Array ? "F32" : "U32";
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(text, 8);
  let at = 8 + headerLength;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a file.
 *
 * @param bytes The whole file.
 * @param source Its name, for messages.
 * @throws {DataError} If it is truncated, malformed, or holds tensors of a type other than F32 and U32.
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): TensorFile {
  const fail = (what: string): never => {
    throw new DataError(`${source}: ${what}; the file is damaged or no safetensors file`);
  };
  if (bytes.length < 8) fail(`expected at least 8 bytes but the file has ${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8 || length > MAX_HEADER) {
    fail(`its header should take ${length} bytes but the file has ${bytes.length}`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch {
    fail("its header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) fail("its header is not a JSON object");
  const body = bytes.subarray(8 + length);
  const tensors = new Map<string, NamedTensor>();
  let metadata: Record<string, string> = {};
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === "__metadata__") {
      metadata = readMetadata(entry) ?? fail("its metadata is not text by name");
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as {
      dtype?: unknown;
      shape?: unknown;
      data_offsets?: unknown;
    };
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
      fail(`the entry of the tensor ${name} is malformed`);
    }
    if (dtype !== "F32" && dtype !== "U32") {
      throw new DataError(
        `${source}: the tensor ${name} is of type ${String(dtype)}, expected F32 (or U32); convert the file to float32`,
      );
    }
    const [from, to] = offsets as number[];
    if (to - from !== elementCount(shape as number[]) * 4 || to > body.length) {
      fail(
        `the tensor ${name} of shape [${
          (shape as number[]).join(", ")
        }] should lie at bytes ${from} to ${to} of ${body.length}`,
      );
    }
    spans.push([from, to]);
    const copy = body.slice(from, to).buffer;
    tensors.set(name, {
      shape: shape as number[],
      data: dtype === "F32" ? new Float32Array(copy) : new Uint32Array(copy),
    });
  }
  let end = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from !== end) fail(`its tensors ${from < end ? "overlap" : "leave a gap"} at byte ${from}`);
    end = to;
  }
  if (end !== body.length) fail(`its tensors end at byte ${end} of ${body.length}`);
  return { tensors, metadata };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((part) => Number.isSafeInteger(part) && part >= 0);
}

function readMetadata(entry: unknown): Record<string, string> | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const pairs = Object.entries(entry);
  return pairs.every(([, text]) => typeof text === "string") ? Object.fromEntries(pairs) : undefined;
}
