/** What training prints. */

import { printable, showText } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import type { EpochEvent, ResumableCheckpoint, RunMemory } from "../../train/mod.ts";
import type { AlignedHead } from "../../weights/mod.ts";
import { PROGRAM } from "../program.ts";
import { formatPercent } from "./format.ts";
import { shellWord } from "./shell_word.ts";

/** What is trained, on which images, and where. */
export function beginText(
  model: string,
  { name, train, validation }: ImageSet,
  backend: string,
  freeze: readonly string[],
  { all, frozen, statistics }: { readonly all: number; readonly frozen: number; readonly statistics: boolean },
): string {
  return `${model} on ${
    printable(name)
  }: ${train.count} training and ${validation.count} validation images\n${backend}` +
    (frozen === 0
      ? ""
      : `, ${frozen} of ${all} parameters frozen (${freeze.join(", ")})${
        statistics ? ", running statistics with them" : ""
      }`);
}

/**
 * How a batch is divided.
 *
 * @param asked Whether the user asked for it; else memory did.
 */
export function accumulateText(parts: number, batch: number, asked: boolean): string {
  return (asked ? "" : `A batch of ${batch} does not fit in memory: `) +
    `${parts} parts of ${batch / parts} images a batch; batch norm takes its statistics of each`;
}

/** The memory that a run takes of its backend. */
export function memoryText({ total, step, variables, validation }: RunMemory): string {
  const [all, ...parts] = [total, step, variables, validation].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  return `memory ${all} MiB: ${parts[0]} for a step, ${parts[1]} for variables, ${parts[2]} for validation`;
}

/** What becomes of the head of a file, whose classes are not quite those of the data. */
export function headText({ change, names, classes }: AlignedHead, own: number): string {
  const head = names.join(", "), count = typeof classes === "number" ? classes : classes.length;
  if (change === "reordered") return `${head}: the file's classes in another order; its rows are moved to their names`;
  if (classes === 0) return `${head}: not in the file; the head starts anew`;
  if (typeof classes === "number" || count !== own) {
    return `${head}: ${count} classes in the file, ${own} here; the head starts anew`;
  }
  const some = classes.slice(0, 3).map(showText).join(", ") + (count > 3 ? ", …" : "");
  return `${head}: the file's classes are others (${some}); the head starts anew`;
}

/**
 * How weights are trained on, and by which options that is changed; nothing where it is as from random weights.
 *
 * @param published The name of published weights, if they are.
 * @param frozen Whether parameters are frozen in the whole run.
 */
export function fineTuningText(
  published: string | undefined,
  rate: number | "auto",
  headEpochs: number,
  frozen: boolean,
): string | undefined {
  const then = frozen ? "then all that is not frozen" : "then all";
  const head = headEpochs === 0
    ? "all layers at once (--head-epochs)"
    : `the head alone for ${headEpochs} epoch${headEpochs === 1 ? "" : "s"} (--head-epochs), ${then}`;
  if (published === undefined) return headEpochs === 0 ? undefined : `Trained first: ${head}`;
  return `From ${published}: ImageNet's normalisation, learning rate ${rate} (--lr), ${head}`;
}

/** An epoch as a line of JSON. */
export function epochJson({ epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent): string {
  return JSON.stringify({
    epoch,
    trainLoss,
    trainTop1,
    valLoss: validation.loss,
    valTop1: validation.top1,
    lr: rate,
    seconds,
  });
}

/** The command that goes on with a run. */
function resumeCommand(run: string): string {
  return `${PROGRAM} train --resume ${shellWord(run)}`;
}

/** Where a run that was stopped stands, and how to go on with it. */
export function stoppedText(steps: number, run: string, json: boolean): string {
  const resume = resumeCommand(run);
  return json
    ? JSON.stringify({ stopped: true, steps, resume })
    : `Stopped after ${steps} steps, saved. Go on with:\n  ${resume}`;
}

/** That a run was stopped before its first step, in the test that was to find its rate. */
export function stoppedTestText(json: boolean): string {
  return json
    ? JSON.stringify({ stopped: true, steps: 0 })
    : "Stopped before a rate was found; there is nothing to go on with";
}

/**
 * That a run ended before its last epoch, as its validation got no better.
 *
 * @param staleEpochs The epochs since one was better than all before. A later one may be kept as the best, if it is as good.
 * @param epochs The epochs that are done.
 * @param bestEpoch The epoch that is kept as the best, from 1, where that is known.
 */
export function earlyStopText(
  staleEpochs: number,
  epochs: number,
  bestEpoch: number | undefined,
  json: boolean,
): string {
  return json
    ? JSON.stringify({ stoppedEarly: true, epochs, bestEpoch })
    : `Stopped early after epoch ${epochs}: no validation since that of epoch ${epochs - staleEpochs} was better; ` +
      "a larger --early-stop beside --resume goes on";
}

/** How much of a run's time went by waiting for other ranks. */
export function waitingText(share: number): string {
  return `Waiting for other ranks took ${formatPercent(share, 0)} of the time of the first one.`;
}

/** Where a run that goes on begins. */
export function resumeText(checkpoint: ResumableCheckpoint | undefined, run: string): string {
  if (checkpoint === undefined) return `${run} has no checkpoint yet, so the run begins again`;
  const { epochs, steps } = checkpoint.info.progress;
  return `Going on after ${steps} steps, in epoch ${epochs + 1}`;
}

/**
 * The rate that a range test found.
 *
 * @param found Whether it found one; else the rate is what it would have been without.
 */
export function foundRateText(rate: number, found: boolean, steps: number): string {
  return found
    ? `a rate of ${rate}, found by a test of ${steps} steps (--lr auto)`
    : `a test of ${steps} steps found no rate at which the loss falls, so the rate is ${rate}; look at the data, or give a number to --lr`;
}
