/** By what a run knows its data again, wherever the data lies. */

import { DataError, formatShape } from "../core/mod.ts";
import { Hash } from "./_hash.ts";
import type { Dataset, ImageSet } from "./dataset.ts";

/** What identifies an image set: what it holds, not where it is. */
export interface DataIdentity {
  /** The number of training images. */
  readonly train: number;
  /** The number of validation images. */
  readonly validation: number;
  /** Channels, height and width of an image. */
  readonly shape: readonly number[];
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** A hash of the labels of both splits and of what else identifies them: pixels in memory, names of files. */
  readonly hash: string;
  /** What identifies the files of the training and of the validation images; absent where there are none, or not known. */
  readonly files?: readonly (FilesIdentity | null)[];
}

/** What identifies files of given names: a set that was copied has other times, and one that was changed another content. */
export interface FilesIdentity {
  /** The bytes of the files in all. */
  readonly bytes: number;
  /** A hash of their sizes. */
  readonly sizes: string;
  /** A hash of the times at which they were written. */
  readonly times: string;
  /** A hash of the content of all of them, or of some, evenly spread. */
  readonly content: string;
}

/**
 * Identifies a set by its content.
 *
 * @example
 * ```ts
 * import { shapesSet } from "@residua/residua";
 * import { identifyData } from "@residua/residua/data";
 * const set = shapesSet({ trainCount: 20, validationCount: 10 });
 * console.log(identifyData(set).train); // 20
 * ```
 */
export function identifyData({ train, validation, shape, classes }: ImageSet): DataIdentity {
  const hash = new Hash();
  for (const split of [train, validation]) {
    const { labels, identity } = split;
    hash.add(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
    if (identity !== undefined) hash.add(typeof identity === "string" ? new TextEncoder().encode(identity) : identity);
  }
  return { train: train.count, validation: validation.count, shape, classes, hash: hash.toString() };
}

/**
 * Checks that a set is the one that a run was trained on.
 *
 * @param name What the set is called, for the message.
 * @throws {DataError} If it is not: what the run had, and what there is.
 */
export function expectSameData(known: DataIdentity, found: DataIdentity, name: string): void {
  const fail = (was: string, is: string): never => {
    throw new DataError(
      `${name} is not the data that the run was trained on: ${was} then, ${is} now; give the run its data back, or start ` +
        `a new run`,
    );
  };
  const parts: [keyof DataIdentity, (data: DataIdentity) => string][] = [
    ["classes", ({ classes }) => `${classes.length} classes (${classes.slice(0, 3).join(", ")}, …)`],
    ["shape", ({ shape }) => `images of ${formatShape(shape)}`],
    ["train", ({ train }) => `${train} training images`],
    ["validation", ({ validation }) => `${validation} validation images`],
    ["hash", ({ hash }) => `pixels or labels with the hash ${hash}`],
  ];
  for (const [part, text] of parts) {
    if (String(known[part]) !== String(found[part])) fail(text(known), text(found));
  }
}

/**
 * Identifies the files of a set, and checks that they are those that a run was trained on: of the same sizes and, where they
 * were written at other times, of the same content, as far as that is looked at.
 *
 * @param set The set, whose names and labels are the run's.
 * @param known What the run knows of them. Defaults to nothing, so that nothing is checked.
 * @returns What identifies them, or nothing for a set without files.
 * @throws {DataError} If they are others: what has changed.
 *
 * @example
 * ```ts
 * import { shapesSet } from "@residua/residua";
 * import { identifyFiles } from "@residua/residua/data";
 * const set = shapesSet({ trainCount: 20, validationCount: 10 });
 * console.log(await identifyFiles(set)); // undefined
 * ```
 */
export async function identifyFiles(
  { train, validation, name }: ImageSet,
  known: DataIdentity["files"] = [],
): Promise<DataIdentity["files"]> {
  const splits: [string, Dataset][] = [["training", train], ["validation", validation]];
  const files: (FilesIdentity | null)[] = [];
  for (const [k, [about, dataset]] of splits.entries()) {
    const before = known[k] ?? undefined, now = await dataset.identifyFiles?.(before);
    if (before !== undefined && now !== undefined) expectSameFiles(before, now, `the ${about} images of ${name}`);
    files.push(now ?? null);
  }
  return files.every((identity) => identity === null) ? undefined : files;
}

function expectSameFiles(known: FilesIdentity, found: FilesIdentity, name: string): void {
  const what = known.bytes !== found.bytes
    ? `sizes (${known.bytes} bytes in all then, ${found.bytes} now)`
    : known.sizes !== found.sizes
    ? `sizes (${known.bytes} bytes in all, divided otherwise among them)`
    : known.content !== found.content
    ? "content, of the same sizes"
    : undefined;
  if (what === undefined) return;
  throw new DataError(
    `${name} are not those that the run was trained on: they have the names that they had but other ${what}; give the run ` +
      "its images back, or start a new run",
  );
}
