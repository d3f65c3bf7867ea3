/**
 * A sum over ranks on WebGPU: values are copied into a staging buffer, read, summed on the host and written to where their
 * readers expect them. Only the reading waits for the device; what does not depend on the sums is queued behind the copy.
 */

import type { Collective, Transport } from "../collective.ts";
import type { Node, Value } from "../graph/graph.ts";
import { DeviceError } from "../util/errors.ts";
import { byteSize, elementCount } from "../graph/shape.ts";
import { exchangesOf } from "../plan/exchanges.ts";
import type { WebGpuBackend } from "./backend.ts";
import { BufferUsage } from "./constants.ts";
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
  readonly #transport: Transport;
  #done: Promise<void> = Promise.resolve();
  #reading = false;
  #destroyed = false;

  /** The sum of some values, in a run of so many floats. */
  constructor(
    backend: WebGpuBackend,
    collective: Collective,
    values: readonly ExchangedValue[],
    length: number,
    transport: Transport,
  ) {
    this.#transport = transport;
    this.#backend = backend;
    this.#collective = collective;
    this.#staging = backend.createBuffer(4 * length, "staging of sums", BufferUsage.MAP_READ | BufferUsage.COPY_DST);
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
   * @param fail Is told if it fails, which ends the step whatever else it waits for.
   * @returns Resolves once this one has begun.
   */
  begin(before: Promise<void>, fail: (error: unknown) => void): Promise<void> {
    const read = this.#read(),
      begun = (async () => {
        await Promise.all([before, read]);
        // Not waited for here, so that the next sum begins.
        return { sum: this.#collective.sum(this.#sums, this.#transport) };
      })();
    this.#done = begun.then(({ sum }) => sum);
    this.#done.catch(fail);
    const next = begun.then(() => {});
    next.catch(() => {});
    return next;
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      await this.#backend.mapRead(this.#staging);
      this.#sums.set(new Float32Array(this.#staging.getMappedRange()).subarray(0, this.#sums.length));
      this.#staging.unmap();
    } finally {
      this.#reading = false;
      if (this.#destroyed) this.#backend.destroyBuffer(this.#staging);
    }
    if (this.#destroyed) throw new DeviceError("The program was destroyed before its values were read");
  }

  /** Gives the staging buffer back, once it is read where that has begun. */
  destroy(): void {
    this.#destroyed = true;
    if (!this.#reading) this.#backend.destroyBuffer(this.#staging);
  }

  /** Resolves once the sums are there. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Writes the sums in the order of the queue. */
  write(): void {
    const { queue } = this.#backend.device;
    for (const { to, offset, length } of this.#values) queue.writeBuffer(to, 0, this.#sums, offset, length);
  }
}

/** Where a sum over ranks begins, or where its results must be there. */
export interface ExchangePoint extends BoundTransfer<GPUBuffer> {
  readonly exchange: WebGpuExchange;
  readonly waits: boolean;
}

/**
 * Where the sums over ranks of a program begin and are waited for.
 *
 * @param bufferOf Where the values of the program lie.
 * @param made Gets each exchange, which is to be destroyed with the program.
 * @returns By the index of a node, what happens before it, waits first, or in its place; those of the number of nodes come
 * last.
 */
export function exchangePoints(
  nodes: readonly Node[],
  backend: WebGpuBackend,
  collective: Collective,
  bufferOf: (value: Value) => GPUBuffer,
  made: (exchange: WebGpuExchange) => void,
): Map<number, ExchangePoint[]> {
  const points = new Map<number, ExchangePoint[]>();
  for (const { node: index, wait, offsets, length, transport } of exchangesOf(nodes)) {
    const { arguments: given, results } = nodes[index];
    const values = given.map((value, k) => ({
      from: bufferOf(value),
      to: bufferOf(results[k]),
      offset: offsets[k],
      length: elementCount(value.spec.shape),
    }));
    const exchange = new WebGpuExchange(backend, collective, values, length, transport);
    made(exchange);
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
