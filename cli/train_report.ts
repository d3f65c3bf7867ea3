/** What training prints. */

import type { EpochEvent, ResumableCheckpoint } from "../train/mod.ts";
import { formatPercent } from "./format.ts";

/** An epoch as a line for people. */
export function epochText(
  { epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent,
  epochs: number,
): string {
  return `epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}  loss ${
    trainLoss.toFixed(4)
  }  accuracy ${formatPercent(trainTop1)}  ` +
    `validation loss ${validation.loss.toFixed(4)}  accuracy ${formatPercent(validation.top1)}  lr ${
      Number(rate.toPrecision(4))
    }  ${seconds.toFixed(1)} s`;
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
  return `deno task train --resume ${/^[\w./~+-]+$/.test(run) ? run : `'${run.replaceAll("'", "'\\''")}'`}`;
}

/** Where a run that was stopped stands, and how to go on with it. */
export function stoppedText(steps: number, run: string, json: boolean): string {
  const resume = resumeCommand(run);
  return json
    ? JSON.stringify({ stopped: true, steps, resume })
    : `Stopped after ${steps} steps, saved. Go on with: ${resume}`;
}

/** Where a run that goes on begins. */
export function resumeText(checkpoint: ResumableCheckpoint | undefined, run: string): string {
  if (checkpoint === undefined) return `${run} has no checkpoint yet, so the run begins again`;
  const { epochs, steps } = checkpoint.info.progress;
  return `Going on after ${steps} steps, in epoch ${epochs + 1}`;
}
