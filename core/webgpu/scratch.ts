/** Scratch memory that applications of ops share, since what one of them leaves there means nothing to the next. */

/** The buffers of a program that are shared. */
export class ScratchPool<B extends { readonly size: number }> {
  readonly #create: (bytes: number) => B;
  readonly #largest: number;
  readonly #buffers: B[] = [];

  /**
   * A pool that makes its buffers by a function.
   *
   * @param largest The bytes of the largest buffer that may be made.
   */
  constructor(create: (bytes: number) => B, largest: number) {
    this.#create = create;
    this.#largest = largest;
  }

  /**
   * A buffer of at least that many bytes.
   *
   * @param taken The buffers that the same application has already; the result joins them.
   */
  take(bytes: number, taken: Set<B>): B {
    // Of few sizes, each twice the one before: all together are at most twice as large as the largest.
    const size = Math.max(bytes, Math.min(2 ** Math.ceil(Math.log2(bytes)), this.#largest));
    let buffer = this.#buffers.find((each) => each.size >= bytes && each.size <= size && !taken.has(each));
    if (buffer === undefined) this.#buffers.push(buffer = this.#create(size));
    taken.add(buffer);
    return buffer;
  }
}
