/**
 * A reader of the zip archives that `torch.save` writes: stored entries, on one disk, below 4 GiB. Whatever else a zip can
 * be is refused, and so is every contradiction between its directory and its entries.
 */

import { showText } from "./_tensor_names.ts";

const END = 0x06054b50, END_64 = 0x06064b50, LOCATOR_64 = 0x07064b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;
const END_SIZE = 22, END_64_SIZE = 56, LOCATOR_64_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30;
const ENCRYPTED = 0x2041, SIZES_FOLLOW = 0x8;

/** An entry: its content's place and checksum, and why it cannot be read. */
interface Entry {
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
export function readZip(bytes: Uint8Array, fail: (what: string) => never): ZipArchive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { first, end, count } = readEnd(view, fail), entries = new Map<string, Entry>();
  const spans: (readonly [number, number])[] = [];
  let at = first;
  for (let k = 0; k < count; k++) {
    if (at + ENTRY_SIZE > end || view.getUint32(at, true) !== ENTRY) fail(`entry ${k} of its directory is damaged`);
    const nameSize = view.getUint16(at + 28, true), extraSize = view.getUint16(at + 30, true);
    const next = at + ENTRY_SIZE + nameSize + extraSize + view.getUint16(at + 32, true);
    if (next > end) fail(`entry ${k} of its directory is damaged`);
    const nameBytes = bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameSize);
    const name = new TextDecoder().decode(nameBytes), shown = showText(name);
    if (entries.has(name)) fail(`it holds ${shown} twice`);
    const flags = view.getUint16(at + 8, true), method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true), size = view.getUint32(at + 20, true);
    const header = view.getUint32(at + 42, true),
      local = { header, first, flags, method, size, name: nameBytes, shown };
    if (size === 0xffffffff || header === 0xffffffff) fail(`its entry ${shown} is of 4 GiB or more`);
    if (method === 0 && view.getUint32(at + 24, true) !== size) fail(`its entry ${shown} has two sizes`);
    const start = readLocal(view, local, fail);
    const trouble = (flags & ENCRYPTED) !== 0
      ? `its entry ${shown} is encrypted`
      : method !== 0
      ? `its entry ${shown} is compressed, which PyTorch never does`
      : undefined;
    entries.set(name, { start, end: start + size, checksum, trouble });
    spans.push([header, start + size]);
    at = next;
  }
  if (at !== end) fail("its directory does not end where it should");
  let last = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    if (from < last) fail(`its entries overlap at byte ${from}`);
    last = to;
  }
  const checked = new Set<string>();
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (entry.trouble !== undefined) fail(entry.trouble);
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
function readEnd(view: DataView, fail: (what: string) => never): { first: number; end: number; count: number } {
  const at = view.byteLength - END_SIZE;
  if (at < 0 || view.getUint32(at, true) !== END || view.getUint16(at + 20, true) !== 0) {
    fail("it does not end with a zip directory, so it was cut short or added to");
  }
  const count = view.getUint16(at + 10, true),
    size = view.getUint32(at + 12, true),
    first = view.getUint32(at + 16, true);
  if (view.getUint32(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count) fail("it is one part of several");
  if (count === 0xffff || first === 0xffffffff) fail("it is of 4 GiB or more, or has more than 65,534 entries");
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

interface LocalHeader {
  readonly header: number;
  readonly first: number;
  readonly flags: number;
  readonly method: number;
  readonly size: number;
  readonly name: Uint8Array;
  readonly shown: string;
}

/** The start of an entry's content, from the header before it, which must agree with the directory. */
function readLocal(view: DataView, local: LocalHeader, fail: (what: string) => never): number {
  const { header, first, flags, method, size, name, shown } = local, names = header + LOCAL_SIZE;
  if (names + name.length > first) fail(`its entry ${shown} lies outside the file`);
  const start = names + name.length + view.getUint16(header + 28, true);
  if (start + size > first) fail(`its entry ${shown} lies outside the file`);
  const given = view.getUint32(header + 18, true);
  const agrees = view.getUint32(header, true) === LOCAL && view.getUint16(header + 6, true) === flags &&
    view.getUint16(header + 8, true) === method && view.getUint16(header + 26, true) === name.length &&
    name.every((byte, k) => view.getUint8(names + k) === byte) &&
    (given === size || ((flags & SIZES_FOLLOW) !== 0 && given === 0));
  return agrees ? start : fail(`the header of its entry ${shown} contradicts the directory`);
}

/** The remainders of each byte for CRC-32 (ISO 3309), the lowest bit first. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** The checksum of zip. */
export function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = REMAINDERS[(rest ^ bytes[i]) & 255] ^ rest >>> 8;
  return ~rest >>> 0;
}
