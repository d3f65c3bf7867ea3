/** Reads tar archives that are kept in memory: whole files, as `tarfile` of Python writes them; nothing is unpacked. */

import { showText } from "../core/mod.ts";
import type { Fail } from "./_reading.ts";

/** Bytes of a header, of which a file's content takes a multiple. */
const BLOCK = 512;
/** Where a header has its fields: first byte, and bytes. */
const NAME = [0, 100] as const,
  SIZE = [124, 12] as const,
  CHECKSUM = [148, 8] as const,
  TYPE = 156,
  MAGIC = [257, 5] as const;
/** What is no file but says something of the next, or of all. */
const EXTENDED = /^[xg]$/;
/** An archive of PyTorch's has four. */
const MOST_FILES = 100;

/** Whether bytes are those of a tar archive. */
export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK && field(bytes, MAGIC) === "ustar";
}

/**
 * The files of an archive by name. They are views of its bytes.
 *
 * @param fail Throws, given what is wrong with the archive.
 */
export function readTar(bytes: Uint8Array, fail: Fail): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0, count = 0; at + BLOCK <= bytes.length; count++) {
    const header = bytes.subarray(at, at + BLOCK), name = field(header, NAME), type = String.fromCharCode(header[TYPE]);
    if (header.every((byte) => byte === 0)) return files;
    if (count > MOST_FILES) fail(`it is a tar archive of more than ${MOST_FILES} files, so it is not one of PyTorch's`);
    if (octal(header, CHECKSUM) !== checksum(header)) fail(`the header at byte ${at} of its tar archive is damaged`);
    const size = octal(header, SIZE), start = at + BLOCK;
    if (size === undefined || size > bytes.length - start) {
      return fail(`it is a tar archive that was cut short in ${showText(name)}`);
    }
    const content = bytes.subarray(start, start + size);
    if (EXTENDED.test(type)) {
      // Times and owners change nothing; a name or a size would.
      if (/^\d+ (path|size|linkpath)=/m.test(new TextDecoder("latin1").decode(content))) {
        return fail("it is a tar archive with long names or sizes, which PyTorch's have not");
      }
    } else if (type === "0" || type === "\0") {
      if (files.has(name)) fail(`it is a tar archive that holds ${showText(name)} twice`);
      files.set(name, content);
    } else fail(`it is a tar archive in which ${showText(name)} is no file`);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return fail("it is a tar archive without an end, so it was cut short");
}

/** The text of a field, which ends at the first zero. */
function field(header: Uint8Array, [at, length]: readonly [number, number]): string {
  return new TextDecoder("latin1").decode(header.subarray(at, at + length)).split("\0")[0];
}

/** The number of a field; nothing if it is none. */
function octal(header: Uint8Array, place: readonly [number, number]): number | undefined {
  const text = field(header, place).trim();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined;
}

/** The sum of a header's bytes, with spaces where it is written. */
function checksum(header: Uint8Array): number {
  const [at, length] = CHECKSUM;
  return header.reduce((sum, byte, k) => sum + (k >= at && k < at + length ? 0x20 : byte), 0);
}
