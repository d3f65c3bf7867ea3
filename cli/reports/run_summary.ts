/** What a training run ends with: its best epoch, what it confuses, what to do next. */

import { cutMiddle, printable } from "../../core/mod.ts";
import type { ValidationAnswers } from "../../train/mod.ts";
import { splitPath } from "../../files/mod.ts";
import { PROGRAM, RUNS } from "../program.ts";
import { confusedPairs } from "./confused_pairs.ts";
import { formatLoss, formatPercent } from "./format.ts";
import { shellWord } from "./shell_word.ts";
import { formatTable } from "./table.ts";

/** How many pairs of classes are named, and the columns of a name. */
const MOST_PAIRS = 3, NAME = 24;

/**
 * The best epoch and its figures.
 *
 * @param answers What its network said.
 * @param epochs The epochs of the run.
 */
export function bestText(answers: ValidationAnswers, epochs: number): string {
  const { epoch, images, stride } = answers;
  const loss = images.reduce((sum, { labelProbability }) => sum - Math.log(labelProbability), 0) / images.length;
  return `Best epoch ${epoch + 1} of ${epochs}: validation accuracy ${formatPercent(answeredTop1(answers))}, loss ${
    formatLoss(loss)
  }${sampleText(stride)}`;
}

/** The share of the images that a network was right about. */
export function answeredTop1({ images }: ValidationAnswers): number {
  return images.filter(({ label, predicted }) => label === predicted).length / images.length;
}

/** Which share of the images a figure is of, where it is not of all. */
function sampleText(stride: number): string {
  return stride === 1 ? "" : `, by 1 in ${stride} images`;
}

/** The classes that its network confused most; nothing where it was always right. */
export function confusedText(answers: ValidationAnswers): string | undefined {
  const { classes, stride } = answers, pairs = confusedPairs(answers, MOST_PAIRS);
  if (pairs.length === 0) return undefined;
  const name = (index: number) => cutMiddle(printable(classes[index]), NAME);
  const rows = pairs.map(({ label, predicted, images, of }) => [name(label), name(predicted), images, of]);
  return `Mistaken most often${sampleText(stride)}:\n${
    formatTable([["class", "taken for", "images", "of"], ...rows], 2)
  }`;
}

/** The commands that go on from a run. */
export function nextText(run: string): string {
  const checkpoint = `--checkpoint ${shellWord(run)}`,
    { folder } = splitPath(run),
    commands = [
      `predict ${checkpoint} IMAGE`,
      `eval ${checkpoint}`,
      `report ${shellWord(run)}`,
      `dashboard${folder === RUNS ? "" : ` ${shellWord(folder)}`}`,
      `export ${checkpoint} --out model.onnx`,
      `serve ${checkpoint}`,
    ];
  return `Next:\n${commands.map((command) => `  ${PROGRAM} ${command}`).join("\n")}`;
}
