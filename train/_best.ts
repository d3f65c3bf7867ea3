/** Which epoch of a run is the best, and for how long none has been better. */

import { argument, sentence, UsageError } from "../core/mod.ts";
import type { ImageSet } from "../data/mod.ts";
import type { Progress } from "../weights/mod.ts";

/** What a checkpoint knows of it. */
type BestState = Pick<Progress, "bestTop1" | "bestLoss" | "staleEpochs">;

/** Less than so many images says nothing of which epoch is better. */
const EQUAL_IMAGES = 2;

/**
 * The best validation so far: of the highest accuracy, and of those as good as that, the latest. The one-standard-error rule
 * (Breiman et al. 1984, section 3.4.3) tells what is as good, but never more than two images. Of dozens of epochs on few
 * images one is always the luckiest, and early ones are as likely to be it as the last, whose rate has fallen.
 */
export class BestValidation {
  readonly #images: number;
  #top1: number;
  #loss: number;
  #staleEpochs: number;

  /**
   * Starts where the run stands.
   *
   * @param images The number of images that are validated on.
   * @param state What a checkpoint knows; of one that does not say the loss, an equal accuracy is better.
   */
  constructor(images: number, { bestTop1 = -1, bestLoss = Infinity, staleEpochs = 0 }: Partial<BestState> = {}) {
    this.#images = images;
    this.#top1 = bestTop1;
    this.#loss = bestLoss;
    this.#staleEpochs = staleEpochs;
  }

  /** The highest accuracy; -1 before the first validation. */
  get top1(): number {
    return this.#top1;
  }

  /** The whole epochs since one had a higher accuracy than all before, or the highest with a lower loss. */
  get staleEpochs(): number {
    return this.#staleEpochs;
  }

  /**
   * Takes in a validation.
   *
   * @param wholeEpoch Whether the epoch is done; else the run ends within it, and may go on there.
   * @returns Whether it is to be kept as the best.
   */
  observe({ top1, loss }: { readonly top1: number; readonly loss: number }, wholeEpoch: boolean): boolean {
    const better = top1 > this.#top1 || (top1 === this.#top1 && loss < this.#loss);
    if (better) {
      this.#top1 = top1;
      this.#loss = loss;
      this.#staleEpochs = 0;
    } else if (wholeEpoch) this.#staleEpochs++;
    return better || Math.round((this.#top1 - top1) * this.#images) <= this.#equalImages;
  }

  /** By how many images an epoch may be worse than the best and still be as good. */
  get #equalImages(): number {
    return Math.min(EQUAL_IMAGES, Math.sqrt(this.#images * this.#top1 * (1 - this.#top1)));
  }

  /** What a resumed run must know. JSON has no infinity. */
  state(): BestState {
    const bestLoss = this.#loss === Infinity ? undefined : this.#loss;
    return { bestTop1: this.#top1, bestLoss, staleEpochs: this.#staleEpochs };
  }
}

/**
 * Checks after how many epochs a run is to end.
 *
 * @throws {UsageError} If that is no number of epochs, or there is nothing to validate on.
 */
export function expectEarlyStop(epochs: number | undefined, { name, validation }: ImageSet): void {
  if (epochs === undefined) return;
  if (!Number.isSafeInteger(epochs) || epochs < 1) {
    throw new UsageError(
      sentence`Expected ${argument("earlyStop")} to be a number of epochs of at least 1 but it is ${epochs}`,
    );
  }
  if (validation.count > 0) return;
  throw new UsageError(
    sentence`${name} has no validation images, so no epoch can be told to be better; leave out ${
      argument("earlyStop", epochs)
    }`,
  );
}
