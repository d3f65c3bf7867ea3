/** Scratch memory that the nodes of a program share, since no node reads what another left there. */

/** The shared scratch buffers of a program. */
export class ScratchPool<B extends { readonly size: number }> {
  readonly #create: (bytes: number) => B;
  readonly #largest: number;
  readonly #buffers: B[] = [];

  /**
   * Starts empty.
   *
   * @param create Makes a buffer.
   * @param largest The bytes of the largest buffer that may be made, unless a tensor needs more.
   */
  constructor(create: (bytes: number) => B, largest: number) {
    this.#create = create;
    this.#largest = largest;
  }

  /**
   * A buffer of at least `bytes`.
   *
   * @param taken The buffers that the node has already; the result is added to them.
   */
  take(bytes: number, taken: Set<B>): B {
    // Sizes are powers of two: so all buffers together are at most twice as large as the largest.
    const size = Math.max(bytes, Math.min(2 ** Math.ceil(Math.log2(bytes)), this.#largest));
    let buffer = this.#buffers.find((each) => each.size >= bytes && each.size <= size && !taken.has(each));
    if (buffer === undefined) this.#buffers.push(buffer = this.#create(size));
    taken.add(buffer);
    return buffer;
  }
}
