/** Where a run of a sweep stands, from the files of its folder. */

import { RunFolder } from "../../disk/mod.ts";
import { readIfThere, writeFile } from "../../files/mod.ts";
import { readRunConfig } from "../options/resume.ts";
import { compareScores, type Score } from "./rungs.ts";

/** What a run of a sweep has done. */
export interface TrialState extends Score {
  /** Whether it was begun, so that it is gone on with. */
  readonly begun: boolean;
  /** Its epochs so far. */
  readonly epochs: number;
  /** Its epochs in the end, once it was begun. */
  readonly whole?: number;
  /** The best epoch, from 1. */
  readonly bestEpoch?: number;
  /** Why it failed, if it did: it is not tried again. */
  readonly failure?: string;
}

/** Has the sentence with which a run failed. */
export const FAILURE = "failure.txt";
const MOST_FAILURE = 10_000;

/** The sentence of a file of that name; nothing where there is none. */
export async function readFailure(path: string): Promise<string | undefined> {
  const failure = await readIfThere(path, { what: "why a run failed", most: MOST_FAILURE });
  return failure && new TextDecoder().decode(failure).trim();
}

/**
 * Reads where a run stands, and what its best epoch is: the one whose weights it keeps.
 *
 * @param epochs Up to how many epochs. Which of them was kept then is no longer known, so that it is the highest of them.
 */
export async function trialState(folder: string, epochs = Infinity): Promise<TrialState> {
  const failure = await readFailure(`${folder}/${FAILURE}`);
  if (failure !== undefined) return { begun: true, epochs: 0, loss: Infinity, failure };
  if (await Deno.stat(`${folder}/config.json`).then(() => false, () => true)) {
    return { begun: false, epochs: 0, loss: Infinity };
  }
  const { epochs: whole } = await readRunConfig(folder);
  const run = new RunFolder(folder);
  const lines = (await run.readMetrics()).flatMap((line) => line.kind === "epoch" ? [line] : []);
  // What it said of each image is no more than told, so a damaged file stops no sweep.
  const answers = epochs === Infinity ? await run.readValidation().catch(() => undefined) : undefined;
  const kept = lines.filter(({ epoch }) => epoch === answers?.epoch);
  const known = kept.length > 0 ? kept : lines.filter(({ epoch }) => epoch < epochs);
  const [best] = known.map(({ epoch, valTop1, valLoss }) => ({
    bestEpoch: epoch + 1,
    top1: valTop1 ?? undefined,
    loss: valLoss ?? Infinity,
  })).toSorted(compareScores);
  return { begun: true, epochs: lines.length, whole: Number(whole), ...(best ?? { loss: Infinity }) };
}

/** Remembers that a run failed. */
export async function keepFailure(folder: string, message: string): Promise<void> {
  await writeFile(`${folder}/${FAILURE}`, new TextEncoder().encode(`${message}\n`));
}
