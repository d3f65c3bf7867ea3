/** How a step waits for its sums over ranks. */

import { DeviceError } from "./util/errors.ts";

/** The waits of one step, which ends as soon as one of its sums fails, whichever it waits for, or its program is destroyed. */
export class StepWaits {
  readonly #failure: Promise<never>;
  #reject: (error: unknown) => void = () => {};
  #failed = false;
  #error: unknown;

  /** The waits of a step that begins. */
  constructor() {
    this.#failure = new Promise((_resolve, reject) => this.#reject = reject);
    // A step that waits for nothing more does not fail.
    this.#failure.catch(() => {});
  }

  /** Ends the step with an error, where it waits the next time. */
  readonly fail = (error: unknown): void => {
    if (this.#failed) return;
    this.#failed = true;
    this.#error = error;
    this.#reject(error);
  };

  /** Ends the step of a program that is destroyed. */
  destroy(): void {
    this.fail(new DeviceError("The program was destroyed while a step of it waited for other ranks"));
  }

  /** Waits for sums. */
  async for(sums: Promise<void>): Promise<void> {
    await Promise.race([sums, this.#failure]);
    if (this.#failed) throw this.#error;
  }
}
