/** The learning-rate range test (Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3). */

import { argument, NumericError, sentence, UsageError } from "../core/mod.ts";
import { createLabels, MemoryDataset } from "../data/mod.ts";
import type { StepEvent } from "./events.ts";
import { fit } from "./fit.ts";
import type { FitOptions } from "./fit_options.ts";

/** The options of {@link findRate}: those of {@link fit} but what the test itself decides. */
export interface FindRateOptions extends
  Omit<
    FitOptions,
    | "epochs"
    | "steps"
    | "rate"
    | "schedule"
    | "earlyStop"
    | "headEpochs"
    | "folder"
    | "progress"
    | "checkpoints"
    | "profile"
  > {
  /** The first rate. Defaults to 1e-5. */
  readonly from?: number;
  /** The last rate. Defaults to 10. */
  readonly to?: number;
  /** The steps from the one to the other. Defaults to 100. */
  readonly steps?: number;
}

/** A step of a range test. */
export interface RatePoint {
  /** The learning rate. */
  readonly rate: number;
  /** The loss, before the step's update. */
  readonly loss: number;
  /** The mean of the losses so far, the last ones weighed most. */
  readonly smoothed: number;
}

/** What a range test finds. */
export interface RateTest {
  /** Its steps, until the loss had grown to four times its least, or was no number any more. */
  readonly points: readonly RatePoint[];
  /** The rate at which the smoothed loss falls most steeply by the logarithm of the rate; nothing where it never falls. */
  readonly suggested: number | undefined;
  /** The rate at which the smoothed loss is least: beyond it training gets worse. */
  readonly least: number | undefined;
}

/** The share of its last value that the mean keeps at a step. */
const KEEP = 0.9;
/** The loss at which a test ends, by the least so far. */
const DIVERGED = 4;
/** The steps at the start whose mean says little yet. */
const FIRST = 5;
const LEAST_STEPS = 10;

/** Gives the mean of the values so far, the last ones weighed most. */
function smoother(): (value: number) => number {
  let mean = 0, kept = 1;
  return (value) => {
    mean = KEEP * mean + (1 - KEEP) * value;
    kept *= KEEP;
    // The mean begins at 0, which the division takes out.
    return mean / (1 - kept);
  };
}

/** Judges the losses of a range test: their means, where these fall most steeply, where they are least. */
export function judgeRates(steps: readonly { readonly rate: number; readonly loss: number }[]): RateTest {
  const smooth = smoother();
  const points = steps.map(({ rate, loss }): RatePoint => ({ rate, loss, smoothed: smooth(loss) }));
  let least = -1, steepest = -1, slope = 0;
  for (let k = FIRST; k < points.length; k++) {
    if (least < 0 || points[k].smoothed < points[least].smoothed) least = k;
  }
  for (let k = FIRST; k < least; k++) {
    const [before, after] = [points[k - 1], points[k + 1]];
    const here = (after.smoothed - before.smoothed) / Math.log(after.rate / before.rate);
    if (here < slope) [slope, steepest] = [here, k];
  }
  return { points, suggested: points[steepest]?.rate, least: points[least]?.rate };
}

/**
 * Trains for some steps while the rate grows exponentially, and finds from the losses which rate suits: the one at which the
 * loss falls fastest. It changes nothing but what it is given to train with; weights are not kept.
 *
 * @param options What is trained, on what, and between which rates.
 * @throws {UsageError} If the rates or steps make no sense, or as {@link fit} says.
 * @throws {NumericError} If not even the first steps have finite losses.
 *
 * @example
 * ```ts
 * import { modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { findRate } from "@residua/residua/train";
 * using backend = await openBackend("cpu");
 * const set = shapesSet({ trainCount: 80, validationCount: 10 });
 * const { points } = await findRate({ model: modelByName("resnet8"), backend, set, batch: 20, steps: 12 });
 * console.log(points[0].rate, points[1].rate > points[0].rate); // 0.00001 true
 * ```
 */
export async function findRate(options: FindRateOptions): Promise<RateTest> {
  const { from = 1e-5, to = 10, steps = 100, batch = 128, set, callbacks = [] } = options;
  checkRange(from, to, steps);
  const rate = (step: number) => from * (to / from) ** (Math.min(step, steps - 1) / (steps - 1));
  const heard: { rate: number; loss: number }[] = [], smooth = smoother();
  let least = Infinity;
  const onStep = (event: StepEvent) => {
    heard.push({ rate: event.rate, loss: event.loss });
    const smoothed = smooth(event.loss);
    least = Math.min(least, smoothed);
    return heard.length > FIRST && smoothed > DIVERGED * least ? "stop" : undefined;
  };
  // Nothing is validated: the test is of training.
  const validation = new MemoryDataset(set.shape, new Uint8Array(), createLabels(0, set.classes.length));
  const epochs = Math.max(1, Math.ceil(steps / Math.max(1, Math.floor(set.train.count / batch))));
  try {
    await fit({
      ...options,
      set: { ...set, validation },
      steps,
      epochs,
      rate: from,
      schedule: { rate, state: () => [], restore() {} },
      callbacks: [...callbacks, { onStep }],
    });
  } catch (error) {
    if (!(error instanceof NumericError)) throw error;
    if (heard.length <= FIRST) {
      throw new NumericError(
        sentence`The loss is no number from the first steps on, at a rate of ${from}; give a lower ${
          argument("from")
        }, or look at the data`,
      );
    }
  }
  return judgeRates(heard);
}

function checkRange(from: number, to: number, steps: number): void {
  if (!(from > 0 && from < to && to < Infinity)) {
    throw new UsageError(
      sentence`Expected rates above 0, the first below the last, but ${argument("from", from)} and ${
        argument("to", to)
      } came`,
    );
  }
  if (!Number.isSafeInteger(steps) || steps < LEAST_STEPS) {
    throw new UsageError(
      sentence`Expected ${argument("steps")} to be a whole number of at least ${LEAST_STEPS} but it is ${steps}`,
    );
  }
}
