/** By what a run knows its data again, wherever the data lies. */

import { DataError, formatShape } from "../core/mod.ts";
import type { ImageSet } from "./dataset.ts";

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
}

/** A hash of 64 bits, to tell apart what differs by accident; it is no defence against anyone. */
class Hash {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;

  add(bytes: Uint8Array): void {
    let a = this.#a ^ bytes.length, b = this.#b;
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      const word = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b ^ word ^ (a >>> 15), 0x85ebca6b);
    }
    for (let i = whole; i < bytes.length; i++) {
      a = Math.imul(a ^ bytes[i], 0x01000193);
      b = Math.imul(b ^ bytes[i] ^ (a >>> 15), 0x85ebca6b);
    }
    this.#a = a ^ (a >>> 13);
    this.#b = b ^ (b >>> 16);
  }

  toString(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
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
