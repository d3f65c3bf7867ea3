/** What training prints. */

import type { ImageSet } from "../../data/mod.ts";
import type { EpochEvent, ResumableCheckpoint, RunMemory } from "../../train/mod.ts";
import type { MismatchedHead } from "../../weights/mod.ts";

/** What is trained, on which images, and where. */
export function beginText(
  model: string,
  { name, train, validation }: ImageSet,
  backend: string,
  freeze: readonly string[],
  { all, frozen }: { readonly all: number; readonly frozen: number },
): string {
  return `${model} on ${name}: ${train.count} training and ${validation.count} validation images\n${backend}` +
    (frozen === 0 ? "" : `, ${frozen} of ${all} parameters frozen (${freeze.join(", ")})`);
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

/** What is not taken from a file for other classes. */
export function foreignText({ names, classes }: MismatchedHead, own: number): string {
  return `${names.join(", ")}: ${classes} classes in the file, ${own} here; the head starts anew`;
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
    : `Stopped after ${steps} steps, saved. Go on with:\n  ${resume}`;
}

/** Where a run that goes on begins. */
export function resumeText(checkpoint: ResumableCheckpoint | undefined, run: string): string {
  if (checkpoint === undefined) return `${run} has no checkpoint yet, so the run begins again`;
  const { epochs, steps } = checkpoint.info.progress;
  return `Going on after ${steps} steps, in epoch ${epochs + 1}`;
}
