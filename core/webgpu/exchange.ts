/**
 * A sum over ranks on WebGPU: values are copied into a staging buffer, read, summed on the host and written to where their
 * readers expect them. Only the reading waits for the device; what does not depend on the sums is queued behind the copy.
 */

import type { Collective } from "../collective.ts";
import type { Node, Value } from "../graph/graph.ts";
import { byteSize, elementCount } from "../graph/shape.ts";
import { exchangesOf } from "../plan/exchanges.ts";
import type { WebGpuBackend } from "./backend.ts";
import type { BoundTransfer } from "./dispatches.ts";

/** A value and its sum. */
export interface ExchangedValue {
  readonly from: GPUBuffer;
  readonly to: GPUBuffer;
  /** Where it begins in the run of all values, in floats. */
  readonly offset: number;
  /** Its floats. */
  readonly length: number;
}

/** Begins and awaits one sum of every step. */
export class WebGpuExchange {
  readonly #backend: WebGpuBackend;
  readonly #collective: Collective;
  readonly #staging: GPUBuffer;
  readonly #values: readonly ExchangedValue[];
  readonly #sums: Float32Array<ArrayBuffer>;
  #sum: Promise<void> = Promise.resolve();
  #begun: Promise<void> = Promise.resolve();

  /**
   * The sum of some values.
   *
   * @param staging The buffer through which they are read, as large as their run.
   */
  constructor(
    backend: WebGpuBackend,
    collective: Collective,
    staging: GPUBuffer,
    values: readonly ExchangedValue[],
    length: number,
  ) {
    this.#backend = backend;
    this.#collective = collective;
    this.#staging = staging;
    this.#values = values;
    this.#sums = new Float32Array(length);
  }

  /** Adds the copies of the values to what is submitted next. */
  encode(encoder: GPUCommandEncoder): void {
    for (const { from, offset, length } of this.#values) {
      encoder.copyBufferToBuffer(from, 0, this.#staging, 4 * offset, 4 * length);
    }
  }

  /**
   * Reads what was submitted, then begins the sum.
   *
   * @param before Resolves once the sum before this one has begun, so that all ranks begin them in the same order.
   * @returns Resolves once this one has begun.
   */
  begin(before: Promise<void>): Promise<void> {
    const mapped = this.#backend.mapRead(this.#staging);
    this.#begun = (async () => {
      await Promise.all([before, mapped]);
      this.#sums.set(new Float32Array(this.#staging.getMappedRange()).subarray(0, this.#sums.length));
      this.#staging.unmap();
      this.#sum = this.#collective.sum(this.#sums);
      this.#sum.catch(() => {});
    })();
    // A step that fails before it waits for this sum leaves it alone.
    this.#begun.catch(() => {});
    return this.#begun;
  }

  /** Waits for the sums, and writes them in the order of the queue. */
  async finish(): Promise<void> {
    await this.#begun;
    await this.#sum;
    const { queue } = this.#backend.device;
    for (const { to, offset, length } of this.#values) queue.writeBuffer(to, 0, this.#sums, offset, length);
  }
}

/** Where a sum over ranks begins, or where its results must be there. */
export interface ExchangePoint extends BoundTransfer<GPUBuffer> {
  readonly exchange: WebGpuExchange;
  readonly waits: boolean;
}

/** Where the values of a program lie, and where sums are staged. */
interface ProgramBuffers {
  readonly bufferOf: (value: Value) => GPUBuffer;
  readonly stage: (bytes: number) => GPUBuffer;
}

/**
 * Where the sums over ranks of a program begin and are waited for.
 *
 * @returns By the index of a node, what happens before it, waits first, or in its place; those of the number of nodes come
 * last.
 */
export function exchangePoints(
  nodes: readonly Node[],
  backend: WebGpuBackend,
  collective: Collective,
  { bufferOf, stage }: ProgramBuffers,
): Map<number, ExchangePoint[]> {
  const points = new Map<number, ExchangePoint[]>();
  for (const { node: index, wait, offsets, length } of exchangesOf(nodes)) {
    const { arguments: given, results } = nodes[index];
    const values = given.map((value, k) => ({
      from: bufferOf(value),
      to: bufferOf(results[k]),
      offset: offsets[k],
      length: elementCount(value.spec.shape),
    }));
    const exchange = new WebGpuExchange(backend, collective, stage(4 * length), values, length);
    const bound = (buffer: GPUBuffer, k: number, write: boolean) => {
      const { spec } = given[k];
      return { name: `value${k}`, buffer, size: byteSize(spec), dtype: spec.dtype, write };
    };
    const begin = { exchange, waits: false, buffers: values.map(({ from }, k) => bound(from, k, false)) };
    const end = { exchange, waits: true, buffers: values.map(({ to }, k) => bound(to, k, true)) };
    points.set(index, [...points.get(index) ?? [], begin]);
    points.set(wait, [...points.get(wait) ?? [], end]);
  }
  return points;
}
