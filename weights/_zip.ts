/**
 * A reader of the zip archives that `torch.save` writes: stored entries, on one disk, below 4 GiB. Whatever else a zip can
 * be is refused, and so is every contradiction between its directory and its entries.
 */

import { showText } from "../core/mod.ts";
import { type Fail } from "./_reading.ts";

const END = 0x06054b50, END_64 = 0x06064b50, LOCATOR_64 = 0x07064b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;
const END_SIZE = 22, END_64_SIZE = 56, LOCATOR_64_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30;
/** A network has a few thousand entries of some 100 bytes. */
const MOST_DIRECTORY = 2 ** 24;
const ENCRYPTED = 0x2041, SIZES_FOLLOW = 0x8;

/** An entry: where its header and its content lie, the content's checksum, and why it cannot be read. */
interface Entry {
  readonly header: number;
  readonly start: number;
  readonly end: number;
  readonly checksum: number;
  readonly trouble?: string;
}

/** The entries of an archive. */
export interface ZipArchive {
  /** Their names. */
  readonly names: readonly string[];
  /** The content of one, whose checksum must hold; or nothing if there is none. It is no copy. */
  read(name: string): Uint8Array | undefined;
}

/**
 * Reads the directory of an archive.
 *
 * @param bytes The whole file.
 * @param fail Throws, given what is wrong.
 */
export function readZip(bytes: Uint8Array, fail: Fail): ZipArchive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { first, end, count } = readEnd(view, fail), entries = new Map<string, Entry>();
  let at = first;
  for (let k = 0; k < count; k++) {
    const { name, entry, next } = readEntry(bytes, view, { at, first, end }, fail);
    if (entries.has(name)) fail(`it holds ${showText(name)} twice`);
    entries.set(name, entry);
    at = next;
  }
  if (at !== end) fail("its directory does not end where it should");
  let last = 0;
  for (const { header, end } of [...entries.values()].sort((a, b) => a.header - b.header)) {
    if (header < last) fail(`its entries overlap at byte ${header}`);
    last = end;
  }
  const checked = new Set<string>();
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (entry.trouble !== undefined) fail(`its entry ${showText(name)} is ${entry.trouble}`);
      const content = bytes.subarray(entry.start, entry.end);
      if (!checked.has(name) && crc32(content) !== entry.checksum) {
        fail(`the checksum of its entry ${showText(name)} is wrong, so the file is damaged`);
      }
      checked.add(name);
      return content;
    },
  };
}

/** Finds the directory from the record at the file's end, and from the one for large archives, which PyTorch adds always. */
function readEnd(view: DataView, fail: Fail): { first: number; end: number; count: number } {
  const at = view.byteLength - END_SIZE;
  if (at < 0 || view.getUint32(at, true) !== END || view.getUint16(at + 20, true) !== 0) {
    fail("it does not end with a zip directory, so it was cut short or added to");
  }
  const count = view.getUint16(at + 10, true),
    size = view.getUint32(at + 12, true),
    first = view.getUint32(at + 16, true);
  if (view.getUint32(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count) fail("it is one part of several");
  if (count === 0xffff || first === 0xffffffff) fail("it is of 4 GiB or more, or has more than 65,534 entries");
  if (size > MOST_DIRECTORY) fail(`its directory takes ${size} bytes, more than ${MOST_DIRECTORY}`);
  const end = first + size;
  if (end === at) return { first, end, count };
  const locator = at - LOCATOR_64_SIZE, large = locator - END_64_SIZE;
  const right = end === large && view.getUint32(locator, true) === LOCATOR_64 &&
    view.getBigUint64(locator + 8, true) === BigInt(large) && view.getUint32(large, true) === END_64 &&
    view.getBigUint64(large + 4, true) === BigInt(END_64_SIZE - 12) &&
    view.getBigUint64(large + 24, true) === BigInt(count) && view.getBigUint64(large + 32, true) === BigInt(count) &&
    view.getBigUint64(large + 40, true) === BigInt(size) && view.getBigUint64(large + 48, true) === BigInt(first);
  return right ? { first, end, count } : fail("its directory does not lie where the file's end says");
}

interface DirectoryPlace {
  /** Where the entry's record lies. */
  readonly at: number;
  /** Where the directory begins, before which all content lies. */
  readonly first: number;
  /** Where the directory ends. */
  readonly end: number;
}

/** Reads a record of the directory, and the header before the entry's content, which must agree with it. */
function readEntry(
  bytes: Uint8Array,
  view: DataView,
  { at, first, end }: DirectoryPlace,
  fail: Fail,
): { name: string; entry: Entry; next: number } {
  const u16 = (at: number) => view.getUint16(at, true), u32 = (at: number) => view.getUint32(at, true);
  if (at + ENTRY_SIZE > end || u32(at) !== ENTRY) fail(`the record of its directory at byte ${at} is damaged`);
  const nameSize = u16(at + 28), next = at + ENTRY_SIZE + nameSize + u16(at + 30) + u16(at + 32);
  if (next > end) fail(`the record of its directory at byte ${at} is damaged`);
  const nameBytes = bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameSize);
  const name = new TextDecoder().decode(nameBytes), shown = showText(name);
  const flags = u16(at + 8), method = u16(at + 10), checksum = u32(at + 16), size = u32(at + 20), header = u32(at + 42);
  if (size === 0xffffffff || header === 0xffffffff) fail(`its entry ${shown} is of 4 GiB or more`);
  if (method === 0 && u32(at + 24) !== size) fail(`its entry ${shown} has two sizes`);

  const names = header + LOCAL_SIZE;
  if (names + nameSize > first) fail(`its entry ${shown} lies outside the file`);
  const start = names + nameSize + u16(header + 28), given = u32(header + 18);
  if (start + size > first) fail(`its entry ${shown} lies outside the file`);
  const agrees = u32(header) === LOCAL && u16(header + 6) === flags && u16(header + 8) === method &&
    (given === size || ((flags & SIZES_FOLLOW) !== 0 && given === 0)) && u16(header + 26) === nameSize &&
    nameBytes.every((byte, k) => bytes[names + k] === byte);
  if (!agrees) fail(`the header of its entry ${shown} contradicts the directory`);
  const stored = method === 0 ? undefined : "compressed, which PyTorch never does";
  const trouble = (flags & ENCRYPTED) === 0 ? stored : "encrypted";
  return { name, entry: { header, start, end: start + size, checksum, trouble }, next };
}

/** The remainders of each byte for CRC-32 (ISO 3309), the lowest bit first. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** The checksum of zip. */
function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = REMAINDERS[(rest ^ bytes[i]) & 255] ^ rest >>> 8;
  return ~rest >>> 0;
}
