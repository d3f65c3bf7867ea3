/** `deno task sweep`: trains with many values of some options, and ranks the runs. */

import { ResiduaError, UsageError } from "../../core/mod.ts";
import { readIfThere, readText, writeFile } from "../../files/mod.ts";
import { defineCommand } from "../command.ts";
import { messageOf } from "../error_message.ts";
import { Interrupt } from "../interrupt.ts";
import type { Values } from "../options/option.ts";
import { onePositional, parseArguments } from "../options/parse_options.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import { PROGRAM } from "../program.ts";
import { formatLoss, formatPercent } from "../reports/format.ts";
import { printLines, printNotice, printText, widthOf } from "../reports/layout.ts";
import { shellWord } from "../reports/shell_word.ts";
import { fitTable } from "../reports/table.ts";
import { compareScores, type Rung, rungsOf } from "../sweep/rungs.ts";
import { readSweep, type Sweep } from "../sweep/sweep_file.ts";
import { keepFailure, type TrialState, trialState } from "../sweep/trial_state.ts";
import { argumentsOf, type Trial, trialsOf } from "../sweep/trials.ts";
import { trainOneOfMany } from "./train.ts";

const OPTIONS = {
  out: { kind: "text", value: "DIR", about: "the folder of the runs; defaults to runs/ and the name of the file" },
  json: { kind: "flag", about: "print the ranking as JSON", default: false },
} as const;

/** Has what was swept, so that another sweep is not mixed into it. */
const KEPT_FILE = "sweep.json", MOST_BYTES = 2 ** 20;

/** `deno task sweep`. */
export const sweepCommand = defineCommand({
  name: "sweep",
  about: "Train with many values of some options, each a run of its own, and rank them.",
  positionals: { value: "FILE.json", about: "what is tried: see docs/sweeps.md" },
  options: OPTIONS,
  examples: [
    ["rates.json", "all that rates.json asks for, in runs/rates; once more, it goes on where it was stopped"],
    ["rates.json --out runs/night", "in another folder"],
  ],
}, sweep);

/** A run with where it stands. */
type Ranked = Trial & TrialState;

async function sweep(
  { out, json }: Values<typeof OPTIONS>,
  { positionals }: { readonly positionals: readonly string[] },
) {
  const file = onePositional(positionals, "Expected one file of a sweep");
  const plan = await readSweep(file, TRAIN_OPTIONS), trials = trialsOf(plan, TRAIN_OPTIONS);
  const folder = out ?? `runs/${file.split(/[\\/]/).at(-1)!.replace(/\.json$/i, "")}`;
  // All of them are looked at before the first begins.
  for (const { values } of trials) parseArguments("train", TRAIN_OPTIONS, argumentsOf({ ...plan.options, ...values }));
  const rungs = rungsOf(trials.length, wholeEpochs(plan, file), plan.halving);
  await keepPlan(file, folder);
  if (!json) printText(`${trials.length} runs in ${folder}${rungs.length > 1 ? `; ${rungsText(rungs)}` : ""}`);
  using interrupt = new Interrupt(() => {});
  let left: readonly Trial[] = trials;
  for (const [k, rung] of rungs.entries()) {
    for (const [index, trial] of left.entries()) {
      await trainTo(rung, trial, { plan, folder, about: `${index + 1} of ${left.length}`, json });
      if (interrupt.signal.aborted) {
        const again = [file, ...(out === undefined ? [] : ["--out", out])].map(shellWord).join(" ");
        return printLines(`The sweep was stopped. Go on with:\n  ${PROGRAM} sweep ${again}`);
      }
    }
    left = (await ranked(left, folder, rung.epochs)).slice(0, rungs[k + 1]?.runs);
  }
  const all = await ranked(trials, folder);
  if (json) return console.log(JSON.stringify(all.map(({ begun: _, ...trial }) => trial)));
  printLines(rankingTable(all, Object.keys(plan.vary)));
  const [{ name, failure }] = all;
  const next = failure === undefined ? `The best one:\n  ${PROGRAM} report ${shellWord(`${folder}/${name}`)}\n` : "";
  printLines(`\n${next}All of them, side by side:\n  ${PROGRAM} dashboard ${shellWord(folder)}`);
}

/** The epochs of whole runs, by which halving reckons. */
function wholeEpochs({ options, vary, halving }: Sweep, file: string): number {
  if (halving === undefined) return Infinity;
  if (typeof options.epochs === "number" && !Object.hasOwn(vary, "epochs")) return options.epochs;
  throw new UsageError(`${file}: halving compares runs of as many epochs; set options.epochs, and do not vary it`);
}

function rungsText(rungs: readonly Rung[]): string {
  return rungs.map(({ epochs, runs }) => `${runs} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}`).join(", then ");
}

/** Keeps what is swept, or holds what was kept to it. */
async function keepPlan(file: string, folder: string): Promise<void> {
  const text = await readText(file, "the sweep"), path = `${folder}/${KEPT_FILE}`;
  const kept = await readIfThere(path, { what: "the sweep", most: MOST_BYTES });
  if (kept === undefined) return await writeFile(path, new TextEncoder().encode(text));
  if (new TextDecoder().decode(kept) !== text) {
    throw new UsageError(
      `${folder} holds another sweep, ${path}; choose another folder with --out, or go on with that one`,
    );
  }
}

/** What a run of a sweep is trained with. */
interface Trained {
  readonly plan: Sweep;
  readonly folder: string;
  /** Which of the rung it is. */
  readonly about: string;
  readonly json: boolean;
}

/** Trains a run to the end of a rung, unless it is there already. */
async function trainTo(
  { epochs }: Rung,
  { name, values }: Trial,
  { plan, folder, about, json }: Trained,
): Promise<void> {
  const run = `${folder}/${name}`, state = await trialState(run), end = Math.min(epochs, state.whole ?? Infinity);
  if (state.failure !== undefined || state.epochs >= end) return;
  const varied = argumentsOf(values);
  if (!json) printText(`\nRun ${name}, ${about}: ${varied.join(" ")}`);
  const begin = state.begun ? ["--resume", run] : ["--out", run, ...argumentsOf(plan.options), ...varied];
  const stop = epochs === Infinity ? [] : ["--stop-after", `${epochs}`];
  try {
    await trainOneOfMany.run([...begin, ...stop, ...(json ? ["--json"] : ["--plain"])]);
  } catch (error) {
    if (!(error instanceof ResiduaError) || error instanceof UsageError) throw error;
    printNotice(`error: ${messageOf(error)}`);
    await keepFailure(run, messageOf(error));
  }
}

/** The runs with where they stand, the best first; those that failed last. */
async function ranked(trials: readonly Trial[], folder: string, epochs?: number): Promise<Ranked[]> {
  const all: Ranked[] = [];
  for (const trial of trials) all.push({ ...trial, ...await trialState(`${folder}/${trial.name}`, epochs) });
  return all.toSorted(compareScores);
}

function rankingTable(all: readonly Ranked[], varied: readonly string[]): string {
  const rows = all.map(({ name, values, top1, loss, bestEpoch, epochs, failure }) => [
    name,
    ...(failure === undefined && top1 !== undefined
      ? [formatPercent(top1), formatLoss(loss), `${bestEpoch}/${epochs}`]
      : ["failed", "-", "-"]),
    ...varied.map((option) => String(values[option])),
  ]);
  const width = Deno.stdout.isTerminal() ? widthOf() : Infinity;
  return `\n${fitTable([["run", "val acc", "val loss", "best epoch", ...varied], ...rows], [], width, ["best epoch"])}`;
}
