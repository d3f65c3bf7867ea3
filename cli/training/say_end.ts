/** What is said when a run has ended: how, what its network can do, which files there are, what to do next. */

import type { FitResult } from "../../train/mod.ts";
import { printLines } from "../reports/layout.ts";
import { bestText, confusedText, nextText } from "../reports/run_summary.ts";
import { earlyStopText, stoppedText, waitingText } from "../reports/train_report.ts";
import type { Run } from "./open_run.ts";
import type { RunTerminal } from "./terminal.ts";
import type { Work } from "./work.ts";

/** What the end of a run is told by. */
interface Ended {
  readonly run: Run;
  readonly work: Work;
  /** The names of the files that were drawn. */
  readonly plots: readonly string[];
  /** Whether commands are named that go on from it. */
  readonly advises: boolean;
}

/** Says how a run ended, on the first rank. */
export async function sayEnd(
  terminal: RunTerminal,
  { run, work, plots, advises }: Ended,
  { stopped, stoppedEarly, steps, last, staleEpochs }: FitResult,
): Promise<void> {
  const { values: { json, epochs }, ranks, stepsPerEpoch } = work, { location, folder } = run;
  if (ranks !== undefined) terminal.say(waitingText(ranks.waitingShare));
  if (stopped) return terminal.print(stoppedText(steps, location, json), printLines);
  if (!stoppedEarly && last === undefined) {
    return terminal.say(`The run is at its end, ${steps} steps; give --epochs or --steps to go on.`);
  }
  const answers = await folder?.readValidation().catch(() => undefined);
  if (stoppedEarly) {
    const text = earlyStopText(staleEpochs, steps / stepsPerEpoch, answers && answers.epoch + 1, json);
    terminal.print(text, printLines);
  }
  const kept = answers === undefined ? [] : ["validation.json"];
  const files = [...plots, "metrics.jsonl", "best.safetensors", "last.safetensors", ...kept];
  if (answers !== undefined) terminal.say([bestText(answers, epochs), confusedText(answers) ?? []].flat().join("\n"));
  terminal.say(`The run is in ${location}: ${files.join(", ")}`);
  if (advises && !json) terminal.print(nextText(location), printLines);
}
