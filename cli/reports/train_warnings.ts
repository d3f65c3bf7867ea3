/** Signs that a run will not learn, each told once, in a line. */

import type { EpochEvent, StartEvent, StepEvent } from "../../train/mod.ts";
import { formatPercent } from "./format.ts";

/** The steps below which hardly anything is learned. */
const FEW_STEPS = 100;

/** The epochs over which validation is compared with training. */
const CHANCE_EPOCHS = 3;

/** How far training must rise in them. */
const LEAST_RISE = 0.05;

/** The warning of a run of few steps. */
export function fewStepsWarning(totalSteps: number): string | undefined {
  if (totalSteps >= FEW_STEPS) return undefined;
  const steps = totalSteps === 1 ? "1 step is" : `${totalSteps} steps are`;
  return `${steps} few to learn from, fewer than ${FEW_STEPS}; give more --epochs or --steps, or a smaller --batch`;
}

/**
 * The warning of a first epoch whose loss rose, far above that of equal probabilities, ln(classes).
 *
 * @param losses The losses of its steps, in their order.
 */
export function highRateWarning(losses: readonly number[], classes: number, rate: number): string | undefined {
  const quarter = Math.floor(losses.length / 4);
  if (quarter < 2) return undefined;
  const first = losses[0], last = mean(losses.slice(-quarter)), equal = Math.log(classes);
  // A new network begins somewhat above ln(classes), the more so of few classes.
  if (last <= first || last <= 1.5 * equal + 0.5) return undefined;
  return `the loss rose from ${first.toFixed(2)} to ${last.toFixed(2)} in the first epoch, and ${
    equal.toFixed(2)
  } is that of a guess; a rate of ${Number(rate.toPrecision(4))} may be too high, use a lower --lr or a --warmup`;
}

/**
 * The warning of validation that is no better than always the same answer, while training gets better.
 *
 * @param epochs The epochs so far, in their order.
 */
export function chanceWarning(
  epochs: readonly Pick<EpochEvent, "trainTop1" | "validation">[],
): string | undefined {
  const seen = epochs.slice(-CHANCE_EPOCHS);
  if (seen.length < CHANCE_EPOCHS) return undefined;
  const { validation: { confusion, top1 }, trainTop1 } = seen[CHANCE_EPOCHS - 1];
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const count = counts.reduce((sum, images) => sum + images, 0);
  const chance = counts.reduce((most, images) => Math.max(most, images), 0) / count;
  // As far above as two standard deviations of that many answers.
  const most = chance + 2 * Math.sqrt(chance * (1 - chance) / count);
  const stays = count > 0 && seen.every(({ validation }) => validation.top1 <= most);
  if (!stays || trainTop1 - seen[0].trainTop1 < LEAST_RISE || trainTop1 <= most) return undefined;
  return `validation stays at chance for ${CHANCE_EPOCHS} epochs (${
    formatPercent(top1)
  }, always the commonest class is ${formatPercent(chance)}) while training rose to ${
    formatPercent(trainTop1)
  }; check that both sets have the same classes and kind of images, or use a lower --lr`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Hears of a run, and warns of what it sees. */
export class TrainWarnings {
  readonly #classes: number;
  readonly #warn: (text: string) => void;
  readonly #losses: number[] = [];
  readonly #epochs: EpochEvent[] = [];
  #toldChance = false;

  /** @param warn Receives each warning. */
  constructor(classes: number, warn: (text: string) => void) {
    this.#classes = classes;
    this.#warn = warn;
  }

  /** Warns of few steps, where a run begins. */
  onStart({ steps, totalSteps }: Pick<StartEvent, "steps" | "totalSteps">): void {
    if (steps === 0) this.#tell(fewStepsWarning(totalSteps));
  }

  /** Keeps the losses of the first epoch, if it is heard from its first step on. */
  onStep({ step, epoch, loss }: Pick<StepEvent, "step" | "epoch" | "loss">): void {
    if (epoch === 0 && step === this.#losses.length + 1) this.#losses.push(loss);
  }

  /** Warns of a loss that rose, and of validation at chance. */
  onEpoch(event: EpochEvent): void {
    if (event.epoch === 0) this.#tell(highRateWarning(this.#losses, this.#classes, event.rate));
    this.#epochs.push(event);
    if (this.#epochs.length > CHANCE_EPOCHS) this.#epochs.shift();
    const chance = this.#toldChance ? undefined : chanceWarning(this.#epochs);
    this.#toldChance ||= chance !== undefined;
    this.#tell(chance);
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.#warn(text);
  }
}
