/** What is said before a run begins: what is trained, on what, where, and from what. */

import type { Backend } from "../../core/mod.ts";
import { describeRanks } from "../mpi/ranks_backend.ts";
import { isPublished } from "../options/fine_tuning.ts";
import { describeWork } from "../options/shared_options.ts";
import { beginText, fineTuningText, headText, resumeText } from "../reports/train_report.ts";
import type { Run } from "./open_run.ts";
import type { AskedRun } from "./resolve_run.ts";
import type { Start } from "./start.ts";
import type { RunTerminal } from "./terminal.ts";
import type { Work } from "./work.ts";

/** A run that is about to begin. */
export interface BeginningRun {
  readonly asked: AskedRun;
  readonly run: Run;
  readonly work: Work;
  readonly start: Start;
  readonly backend: Backend;
  readonly headEpochs: number;
}

/** Says what begins; all ranks call it, as they tell each other where they compute. */
export async function sayStart(
  terminal: RunTerminal,
  { asked, run, work, start, backend, headEpochs }: BeginningRun,
): Promise<void> {
  const { set, values, ranks, freeze, parameters } = work, { model, head, initial } = start, { checkpoint } = run;
  if (ranks !== undefined) terminal.say(await describeRanks(ranks, backend, values));
  const where = describeWork(backend, values) + (ranks === undefined ? "" : ", on each rank");
  terminal.say(beginText(model.name, set, where, freeze, parameters));
  if (work.chosen !== "") terminal.say(work.chosen);
  if (checkpoint?.damage !== undefined) terminal.warn(`${checkpoint.damage}; went back to the one before it`);
  if (values.resume !== undefined) terminal.say(resumeText(checkpoint, run.location));
  if (checkpoint !== undefined) {
    if (asked.note !== undefined) terminal.say(asked.note);
    return;
  }
  if (head !== undefined && head.change !== "kept") terminal.say(headText(head, model.classes));
  const published = isPublished(values) ? initial?.source : undefined;
  const rate = asked.values.lr === "auto" ? "auto" : values.lr;
  const tuned = fineTuningText(published, rate, headEpochs, freeze.length > 0);
  if (tuned !== undefined) terminal.say(tuned);
}
