/** Reads what a log has grown by since it was last read, a whole line at a time. */

/** How far a log was read, and by what it is known again. */
export interface LogPlace {
  /** The bytes that are read. */
  readonly offset: number;
  /** The last bytes that were read: where a file has others there, it is another file. */
  readonly tail: Uint8Array;
}

/** The beginning of a log. */
export const BEGINNING: LogPlace = { offset: 0, tail: new Uint8Array() };

/** Lines that were read. */
export interface ReadLines {
  /** The lines, each whole, without their ends. */
  readonly lines: readonly string[];
  /** Where to go on. */
  readonly place: LogPlace;
  /** Whether the log was begun anew, so that what was known of it holds no more. */
  readonly restarted: boolean;
  /** Whether there is more to read at once. */
  readonly more: boolean;
}

const NEWLINE = 10, TAIL = 64;
/** What is read at once, and a line at most: what is longer is no line of a run. */
const PART = 2 ** 20;

/**
 * Reads the next lines of a log, up to a MiB of them.
 *
 * @param path The file.
 * @param place How far it was read before.
 */
export async function readTail(path: string, place: LogPlace): Promise<ReadLines> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const restarted = size < place.offset || !await endsWith(file, place);
  const { offset, tail } = restarted ? BEGINNING : place;
  const bytes = new Uint8Array(Math.min(PART, size - offset));
  await file.seek(offset, Deno.SeekMode.Start);
  const length = await fill(file, bytes), read = bytes.subarray(0, length), end = read.lastIndexOf(NEWLINE) + 1;
  // What is longer than any line is passed over.
  const used = end === 0 && length === PART ? length : end;
  const lines = end === 0 ? [] : new TextDecoder().decode(read.subarray(0, end - 1)).split("\n");
  const known = used >= TAIL ? read.slice(used - TAIL, used) : joined(tail, read.subarray(0, used));
  return {
    lines,
    place: { offset: offset + used, tail: known.slice(-TAIL) },
    restarted,
    more: used > 0 && offset + length < size,
  };
}

/** Whether a file still has, where it was read last, what it had. */
async function endsWith(file: Deno.FsFile, { offset, tail }: LogPlace): Promise<boolean> {
  if (offset === 0) return true;
  await file.seek(offset - tail.length, Deno.SeekMode.Start);
  const bytes = new Uint8Array(tail.length);
  return await fill(file, bytes) === tail.length && bytes.every((byte, i) => byte === tail[i]);
}

async function fill(file: Deno.FsFile, bytes: Uint8Array): Promise<number> {
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return length;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
