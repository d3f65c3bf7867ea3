/** A sum over ranks on the CPU: its values lie in one run of the memory, where the collective sums them in place. */

import type { Collective, Transport } from "../collective.ts";
import { DeviceError } from "../util/errors.ts";
import type { MemoryArray } from "./memory.ts";

/** A value that does not lie in the run, and where it goes. */
export interface CopiedValue {
  readonly from: MemoryArray;
  /** Where it begins in the run, in floats. */
  readonly offset: number;
}

/** Begins and awaits one sum of every step. */
export class CpuExchange {
  readonly #collective: Collective;
  readonly #run: MemoryArray;
  readonly #copied: readonly CopiedValue[];
  readonly #transport: Transport;
  #summed: Float32Array = new Float32Array();
  #sum: Promise<void> = Promise.resolve();
  #pending = false;

  /** The sum of a run of memory, after some values are copied into it. */
  constructor(collective: Collective, run: MemoryArray, copied: readonly CopiedValue[], transport: Transport) {
    this.#collective = collective;
    this.#run = run;
    this.#copied = copied;
    this.#transport = transport;
  }

  /**
   * Begins the sum.
   *
   * @param fail Is told if it fails, which ends the step whatever else it waits for.
   */
  begin(fail: (error: unknown) => void): void {
    const run = this.#summed = this.#run.elements as Float32Array;
    for (const { from, offset } of this.#copied) run.set(from.elements, offset);
    this.#sum = this.#collective.sum(run, this.#transport);
    this.#pending = true;
    this.#sum.catch(fail).then(() => this.#pending = false);
  }

  /** Whether the sum is on its way, so that the memory is in use. */
  get pending(): boolean {
    return this.#pending;
  }

  /**
   * Waits for the sums.
   *
   * @throws {DeviceError} If the memory has moved under them, as memory that is not shared does when it grows.
   */
  async finish(): Promise<void> {
    await this.#sum;
    if (this.#summed.length !== this.#run.length) {
      throw new DeviceError(
        "Memory grew while ranks summed in it, so the sums are lost: compile nothing on the backend during a step",
      );
    }
  }

  /** Resolves once the sum is there or has failed. */
  async settle(): Promise<void> {
    await this.#sum.catch(() => {});
  }
}
