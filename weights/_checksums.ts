/** Checksums of a safetensors file's tensors, in its metadata: what changed on a disk is found before it is used. */

import { formatHash, showText } from "../core/mod.ts";
import { type Fail } from "./_reading.ts";
import { xxh32 } from "./_xxh32.ts";

/** The key of the metadata. Other programs pass it over. */
export const CHECKSUMS_KEY = "residua.checksums";

/** A tensor as it lies in a file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Eight hexadecimal digits for the type, the shape and the elements. */
function checksumOf({ dtype, shape, bytes }: Omit<StoredTensor, "name">): string {
  return formatHash(xxh32(bytes, checksumSeed(`${dtype} ${shape}`)));
}

function checksumSeed(text: string): number {
  return xxh32(new TextEncoder().encode(text));
}

/**
 * The text of the metadata: checksums of the tensors, and of the other texts of the metadata.
 *
 * @param metadata The other texts.
 */
export function writeChecksums(tensors: Iterable<StoredTensor>, metadata: Readonly<Record<string, string>>): string {
  const sums = [...tensors].map((tensor) => [tensor.name, checksumOf(tensor)]);
  const texts = Object.entries(metadata).map(([key, text]) => [key, formatHash(checksumSeed(text))]);
  return JSON.stringify({ tensors: Object.fromEntries(sums), metadata: Object.fromEntries(texts) });
}

/** Holds tensors and metadata to the checksums that were written with them. */
export function verifyChecksums(
  written: string,
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
  fail: Fail,
): void {
  const sums = readChecksums(written) ?? fail("its checksums are malformed");
  for (const [key, text] of Object.entries(metadata)) {
    const known = sums.metadata.get(key);
    if (known === undefined || known === formatHash(checksumSeed(text))) continue;
    fail(`the metadata ${showText(key)} is not what was written, as its checksum tells`);
  }
  for (const key of sums.metadata.keys()) {
    if (!Object.hasOwn(metadata, key)) fail(`the metadata ${showText(key)} is missing, of which it has a checksum`);
  }
  for (const tensor of tensors) {
    const known = sums.tensors.get(tensor.name) ?? fail(`it has no checksum of the tensor ${showText(tensor.name)}`);
    if (known === checksumOf(tensor)) continue;
    fail(
      `the tensor ${
        showText(tensor.name)
      } is not what was written, as its checksum tells (a program that changes tensors ` +
        `must leave out the metadata ${CHECKSUMS_KEY})`,
    );
  }
  const names = new Set(tensors.map(({ name }) => name)),
    lost = [...sums.tensors.keys()].find((name) => !names.has(name));
  if (lost !== undefined) fail(`the tensor ${showText(lost)} is missing, of which it has a checksum`);
}

interface Checksums {
  readonly tensors: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, string>;
}

function readChecksums(written: string): Checksums | undefined {
  try {
    const { tensors, metadata } = JSON.parse(written);
    const maps = [tensors, metadata].map((part) => new Map<string, unknown>(Object.entries(part)));
    const right = maps.every((map) => [...map.values()].every((sum) => typeof sum === "string"));
    return right ? { tensors: maps[0] as Map<string, string>, metadata: maps[1] as Map<string, string> } : undefined;
  } catch {
    return undefined;
  }
}
