/** By what files are known again: their sizes always, their content where their times have changed. */

import { Hash } from "../_hash.ts";
import type { FilesIdentity } from "../identity.ts";
import type { FileSource, FileStat } from "./file_source.ts";
import type { PathList } from "./path_list.ts";

/** So many files are looked at, evenly spread over larger sets: more would take minutes on slow disks. */
const MOST_LOOKED_AT = 100_000;
/** So many bytes and files are read of the content, of all files or of some, evenly spread. */
const MOST_READ = 2 ** 26, MOST_FILES_READ = 20_000;
/** Files whose sizes are asked for at once, and files that are read at once. */
const STATS_AT_ONCE = 64, READ_AT_ONCE = 8;

/** What stands for a file that is not there any more, or may not be read: decoding says so. */
const UNKNOWN: FileStat = { bytes: 0, modified: 0 };

/**
 * Identifies files.
 *
 * @param source The folder.
 * @param paths Their paths in it.
 * @param known What they were. Where sizes and times are the same, the content is taken to be.
 * @returns Nothing where the folder knows no sizes and times.
 */
export async function identifyPaths(
  source: FileSource,
  paths: PathList,
  known?: FilesIdentity,
): Promise<FilesIdentity | undefined> {
  if (source.stat === undefined || paths.length === 0) return undefined;
  const looked = spread(paths.length, MOST_LOOKED_AT), sizes = new Float64Array(looked.length);
  const times = new Float64Array(looked.length);
  for (let first = 0; first < looked.length; first += STATS_AT_ONCE) {
    const some = looked.slice(first, first + STATS_AT_ONCE);
    const stats = await Promise.all(some.map((index) => source.stat!(paths.at(index)).catch(() => UNKNOWN)));
    sizes.set(stats.map(({ bytes }) => bytes), first);
    times.set(stats.map(({ modified }) => modified), first);
  }
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const found = { bytes, sizes: hashOf(sizes), times: hashOf(times) };
  if (known !== undefined && (known.sizes !== found.sizes || known.times === found.times)) {
    // Other sizes tell enough, and so do the same sizes and times.
    return { ...found, content: known.content };
  }
  const read = Math.min(MOST_FILES_READ, Math.max(1, Math.floor(MOST_READ * looked.length / Math.max(1, bytes))));
  return { ...found, content: await hashContent(source, paths, spread(paths.length, read)) };
}

/** Some of the indices of a list, evenly spread, or all. */
function spread(length: number, most: number): number[] {
  const count = Math.min(length, most);
  return Array.from({ length: count }, (_, k) => Math.floor(k * length / count));
}

function hashOf(numbers: Float64Array): string {
  const hash = new Hash();
  hash.add(new Uint8Array(numbers.buffer));
  return hash.toString();
}

async function hashContent(source: FileSource, paths: PathList, indices: readonly number[]): Promise<string> {
  const hash = new Hash();
  for (let first = 0; first < indices.length; first += READ_AT_ONCE) {
    const some = indices.slice(first, first + READ_AT_ONCE);
    const contents = await Promise.all(some.map((index) => source.read(paths.at(index)).catch(() => new Uint8Array())));
    for (const content of contents) hash.add(content);
  }
  return hash.toString();
}
