/** Paths of very many files in little memory, which workers can share. */

/**
 * Paths, as bytes in shared memory where there is any.
 *
 * @example
 * ```ts
 * import { PathList } from "@residua/residua/data";
 * const list = PathList.from(["cat/1.png", "dog/1.png"]);
 * console.log(list.length, list.at(1)); // 2 dog/1.png
 * ```
 */
export class PathList {
  /** The number of paths. */
  readonly length: number;
  /** The paths one after the other, in UTF-8. */
  readonly bytes: Uint8Array;
  /** Where each begins in `bytes`, and where the last ends, [length + 1]. */
  readonly offsets: Uint32Array;

  /** Takes what another list, perhaps of another thread, is made of. */
  constructor({ bytes, offsets }: Pick<PathList, "bytes" | "offsets">) {
    this.length = offsets.length - 1;
    this.bytes = bytes;
    this.offsets = offsets;
  }

  /** Packs paths. */
  static from(paths: readonly string[]): PathList {
    const encoder = new TextEncoder(),
      room = typeof SharedArrayBuffer === "undefined" ? ArrayBuffer : SharedArrayBuffer;
    const offsets = new Uint32Array(new room(4 * (paths.length + 1)));
    paths.forEach((path, k) => offsets[k + 1] = offsets[k] + encoder.encode(path).length);
    const bytes = new Uint8Array(new room(offsets[paths.length]));
    paths.forEach((path, k) => bytes.set(encoder.encode(path), offsets[k]));
    return new PathList({ bytes, offsets });
  }

  /** One path. */
  at(index: number): string {
    // A copy, since a decoder refuses shared memory.
    return new TextDecoder().decode(this.bytes.slice(this.offsets[index], this.offsets[index + 1]));
  }

  /** All paths. */
  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}
