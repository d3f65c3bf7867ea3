/** What a run that goes on has behind it, as its folder tells. */

import { answeredTop1 } from "../reports/run_summary.ts";
import type { Run } from "./open_run.ts";
import type { ShownRun } from "./terminal.ts";

/** What a run has logged and which epoch it keeps as the best; nothing of one that begins. */
export async function runSoFar(
  { folder, checkpoint }: Pick<Run, "folder" | "checkpoint">,
): Promise<Pick<ShownRun, "lines" | "best">> {
  if (folder === undefined || checkpoint === undefined) return { lines: [] };
  // Where its end reads the best too. That validation can be told only, so a damaged file stops no run.
  const answers = await folder.readValidation().catch(() => undefined), { progress } = checkpoint.info;
  // It was killed in later epochs, and does them again.
  const lines = (await folder.readMetrics()).filter((line) => line.kind === "step" || line.epoch < progress.epochs);
  if (answers === undefined) return { lines };
  // The answers are those of a sample where there are very many images.
  const logged = lines.findLast((line) => line.kind === "epoch" && line.epoch === answers.epoch);
  const top1 = logged?.kind === "epoch" ? logged.valTop1 : answeredTop1(answers);
  return { lines, best: { epoch: answers.epoch, top1 } };
}
