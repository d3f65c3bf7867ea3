/**
 * Sums over ranks whose elements travel as float16. MPI sums no float16, so each rank gets one part of all from everyone, adds
 * it up in float32, and sends it back to everyone: the bytes of an allreduce of half the size.
 */

/** What is called of MPI. */
export interface HalfCalls {
  /** As many bytes of each rank for each rank, into `to` in the order of the ranks. */
  alltoall(from: Uint8Array<ArrayBuffer>, to: Uint8Array<ArrayBuffer>, bytes: number): Promise<void>;
  /** As many bytes of each rank for all, into `to` in the order of the ranks. */
  allgather(from: Uint8Array<ArrayBuffer>, to: Uint8Array<ArrayBuffer>, bytes: number): Promise<void>;
}

/** Sums, one at a time, in memory that is kept for the next one. */
export class HalfSum {
  readonly #size: number;
  readonly #calls: HalfCalls;
  #given = new Float16Array();
  #received = new Float16Array();
  #sums = new Float32Array();

  /** @param size The number of ranks. */
  constructor(size: number, calls: HalfCalls) {
    this.#size = size;
    this.#calls = calls;
  }

  /** Sums in place. */
  async sum(values: Float32Array): Promise<void> {
    const size = this.#size, part = Math.ceil(values.length / size), all = part * size;
    if (this.#given.length < all) {
      [this.#given, this.#received] = [new Float16Array(all), new Float16Array(all)];
      this.#sums = new Float32Array(part);
    }
    const given = this.#given.subarray(0, all), received = this.#received.subarray(0, all);
    given.set(values);
    given.fill(0, values.length);
    const bytes = part * Float16Array.BYTES_PER_ELEMENT;
    await this.#calls.alltoall(bytesOf(given), bytesOf(received), bytes);
    const sums = this.#sums.subarray(0, part), own = given.subarray(0, part);
    sums.set(received.subarray(0, part));
    for (let rank = 1; rank < size; rank++) {
      const first = rank * part;
      for (let i = 0; i < part; i++) sums[i] += received[first + i];
    }
    own.set(sums);
    await this.#calls.allgather(bytesOf(own), bytesOf(received), bytes);
    values.set(received.subarray(0, values.length));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
