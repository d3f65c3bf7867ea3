/** A range test of learning rates (Smith 2017), for `lr-find`, and for a run that is to find its rate. */

import type { Backend } from "../../core/mod.ts";
import { findRate, type FindRateOptions, type RateTest } from "../../train/mod.ts";
import { foundRateText } from "../reports/train_report.ts";
import { type Start, startedOptions } from "./start.ts";
import type { RunTerminal } from "./terminal.ts";
import type { Work } from "./work.ts";

/** How a test is done, and who hears of it. */
export type TestOptions = Pick<FindRateOptions, "from" | "to" | "steps" | "tune" | "signal" | "callbacks">;

/** What a run has, and a test decides itself. */
const OWN = { steps: undefined, earlyStop: undefined, headEpochs: undefined, checkpoints: undefined };

/** Tests rates with all that a run would be trained with. */
export async function testRates(work: Work, start: Start, backend: Backend, options: TestOptions): Promise<RateTest> {
  return await findRate({ ...startedOptions(work, start, backend), ...OWN, ...options });
}

/** Digits of a rate that a test finds: it tells no more. */
const DIGITS = 2;

/** A rate as a test tells it. */
export function roundedRate(rate: number): number {
  return Number(rate.toPrecision(DIGITS));
}

/**
 * The work with the rate that a test finds; with the one it has, where the loss falls at none.
 *
 * @returns Nothing where the test was stopped: what it had seen by then is no reason for a rate.
 */
export async function withFoundRate(
  work: Work,
  start: Start,
  backend: Backend,
  terminal: Pick<RunTerminal, "signal" | "testListeners" | "say">,
): Promise<Work | undefined> {
  const { suggested, points } = await testRates(work, start, backend, {
    signal: terminal.signal,
    callbacks: terminal.testListeners,
  });
  if (terminal.signal.aborted) return undefined;
  const lr = suggested === undefined ? work.values.lr : roundedRate(suggested);
  terminal.say(foundRateText(lr, suggested !== undefined, points.length));
  return { ...work, values: { ...work.values, lr } };
}
