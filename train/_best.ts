/** Which epoch of a run is the best, and for how long none has been better. */

import type { Progress } from "../weights/mod.ts";

/** What a checkpoint knows of it. */
type BestState = Pick<Progress, "bestTop1" | "bestLoss" | "staleEpochs">;

/** The best validation so far: of the highest accuracy, and where that is equal, of the lower loss. */
export class BestValidation {
  #top1: number;
  #loss: number;
  #staleEpochs: number;

  /** Starts where the run stands; of a checkpoint that does not say the loss, an equal accuracy is better. */
  constructor({ bestTop1 = -1, bestLoss = Infinity, staleEpochs = 0 }: Partial<BestState> = {}) {
    this.#top1 = bestTop1;
    this.#loss = bestLoss;
    this.#staleEpochs = staleEpochs;
  }

  /** The accuracy; -1 before the first validation. */
  get top1(): number {
    return this.#top1;
  }

  /** The whole epochs since the best. */
  get staleEpochs(): number {
    return this.#staleEpochs;
  }

  /**
   * Takes in a validation.
   *
   * @param wholeEpoch Whether the epoch is done; else the run ends within it, and may go on there.
   * @returns Whether it is the best.
   */
  observe({ top1, loss }: { readonly top1: number; readonly loss: number }, wholeEpoch: boolean): boolean {
    const better = top1 > this.#top1 || (top1 === this.#top1 && loss < this.#loss);
    if (better) {
      this.#top1 = top1;
      this.#loss = loss;
      this.#staleEpochs = 0;
    } else if (wholeEpoch) this.#staleEpochs++;
    return better;
  }

  /** What a resumed run must know. JSON has no infinity. */
  state(): BestState {
    const bestLoss = this.#loss === Infinity ? undefined : this.#loss;
    return { bestTop1: this.#top1, bestLoss, staleEpochs: this.#staleEpochs };
  }
}
