/** What a report tells of a run, gathered from its folder. */

import { DataError, printable, UsageError } from "../../core/mod.ts";
import { RunFolder } from "../../disk/mod.ts";
import { whyNotLoaded } from "../../files/mod.ts";
import { classMetrics, type ClassReport } from "../../inference/mod.ts";
import { type EpochLine, loadPlots } from "../../plots/mod.ts";
import type { MetricsLine, ValidatedImage, ValidationAnswers } from "../../train/mod.ts";
import { readRunConfig, type RunConfig } from "../options/resume.ts";
import { type ConfusedPair, confusedPairs } from "../reports/confused_pairs.ts";
import { type ConfiguredOption, configuredOptions } from "./configured_options.ts";

/** What the network took for another class, and how sure it was. */
export interface Mistake extends ValidatedImage {
  /** The image as a picture, an address with its bytes in it; nothing where it cannot be read. */
  readonly picture?: string;
}

/** What a report tells. */
export interface RunReport {
  /** The run folder. */
  readonly run: string;
  /** The network, as its configuration names it, and the images. */
  readonly model: string;
  readonly data: string;
  readonly options: readonly ConfiguredOption[];
  /** Versions, the device. */
  readonly environment: readonly (readonly [string, string])[];
  readonly epochs: readonly EpochLine[];
  /** The epoch of the best checkpoint. */
  readonly best?: EpochLine;
  readonly answers?: ValidationAnswers;
  /** The figures of each class, of what the best network said. */
  readonly classes?: ClassReport;
  readonly pairs: readonly ConfusedPair[];
  /** The surest wrong answers. */
  readonly mistakes: readonly Mistake[];
  readonly speed: RunSpeed;
  /** Drawings, as SVG. */
  readonly curves?: string;
  readonly confusion?: string;
  /** What is missing, and why: a sentence each. */
  readonly notes: readonly string[];
}

/** How fast it was. */
export interface RunSpeed {
  /** Steps that are logged. */
  readonly steps: number;
  /** The median of their rates, in images a second; nothing where there are none. */
  readonly imagesPerSecond?: number;
  /** Seconds of all epochs, training and validation. */
  readonly seconds: number;
}

/** How many pairs of classes and mistakes are listed. */
const MOST_PAIRS = 12, MOST_MISTAKES = 24;
/** Counts of all pairs of more classes would take too much memory. */
const MOST_CLASSES = 2000;

/** Draws the pictures of mistakes: nothing for those that cannot be read, and why. */
export type DrawMistakes = (
  config: RunConfig,
  mistakes: readonly ValidatedImage[],
) => Promise<{ readonly pictures: readonly (string | undefined)[]; readonly note?: string }>;

/**
 * Gathers what a run folder tells.
 *
 * @param run The folder.
 * @param options `draw`: draws the pictures of mistakes, defaults to none; `plots`: whether curves and confusions are drawn.
 * @throws {UsageError} If the folder holds no run.
 * @throws {DataError} If one of its files is something else.
 */
export async function gatherReport(
  run: string,
  { draw, plots }: { readonly draw?: DrawMistakes; readonly plots: boolean },
): Promise<RunReport> {
  const folder = new RunFolder(run), config = await expectRun(run), notes: string[] = [];
  const lines = await folder.readMetrics(), epochs = lastOf(lines), answers = await folder.readValidation();
  if (epochs.length === 0) notes.push("No epoch has ended yet, so there are no curves.");
  if (answers === undefined) {
    notes.push(
      "There is no validation.json, which versions before did not write and a run without images to validate on lacks, so that classes and mistakes are left out.",
    );
  }
  const model = text(config.model), data = text(config["train-list"] ?? config.data);
  const counts = answers === undefined ? undefined : countsOf(answers);
  const mistakes = answers === undefined ? [] : surestMistakes(answers);
  const drawn = mistakes.length === 0 ? undefined : await draw?.(config, mistakes);
  if (drawn?.note !== undefined) notes.push(drawn.note);
  if (answers !== undefined && answers.stride > 1) {
    notes.push(`Figures of classes are by 1 in ${answers.stride} of the ${answers.count} validation images.`);
  }
  if (answers !== undefined && counts === undefined) {
    notes.push(`Figures of each class are left out, since there are more than ${MOST_CLASSES} classes.`);
  }
  const best = answers && epochs.find(({ epoch }) => epoch === answers.epoch);
  return {
    run,
    model,
    data,
    options: configuredOptions(config),
    environment: environmentOf(config),
    epochs,
    best,
    answers,
    classes: counts && classMetrics(counts),
    pairs: answers === undefined ? [] : confusedPairs(answers, MOST_PAIRS),
    mistakes: mistakes.map((mistake, k) => ({ ...mistake, picture: drawn?.pictures[k] })),
    speed: speedOf(lines, epochs),
    ...(plots ? await drawings(`${model} on ${data}`, epochs, best, counts, answers, notes) : {}),
    notes,
  };
}

/** Whether a `config.json` is that of a run: other programs have such a file too. */
export function isRunConfig({ model, data, epochs }: RunConfig): boolean {
  return typeof model === "string" && typeof data === "string" && typeof epochs === "number";
}

async function expectRun(run: string): Promise<RunConfig> {
  const isFolder = (await Deno.stat(run).catch(() => undefined))?.isDirectory === true;
  const known = isFolder && await Deno.stat(`${run}/config.json`).then(() => true, () => false);
  if (!known) {
    throw new UsageError(
      `${printable(run)}: expected a run folder, but ${
        isFolder ? "it holds no config.json" : "there is none"
      }; give the folder that train names at its end, such as runs/first`,
    );
  }
  const config = await readRunConfig(run);
  if (!isRunConfig(config)) {
    throw new DataError(
      `${run}/config.json: expected a model and data in it, as train writes them; is it another file?`,
    );
  }
  return config;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** The last line of each epoch, in their order. */
function lastOf(lines: readonly MetricsLine[]): EpochLine[] {
  const last = new Map(lines.filter((line) => line.kind === "epoch").map((line) => [line.epoch, line]));
  return [...last.values()].sort((a, b) => a.epoch - b.epoch);
}

function speedOf(lines: readonly MetricsLine[], epochs: readonly EpochLine[]): RunSpeed {
  const rates = lines.flatMap((line) => line.kind === "step" && line.imagesPerSecond > 0 ? [line.imagesPerSecond] : []);
  rates.sort((a, b) => a - b);
  return {
    steps: rates.length,
    imagesPerSecond: rates.length === 0 ? undefined : rates[rates.length >> 1],
    seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

function countsOf({ classes, images }: ValidationAnswers): number[][] | undefined {
  if (classes.length > MOST_CLASSES) return undefined;
  const counts = classes.map(() => new Array<number>(classes.length).fill(0));
  for (const { label, predicted } of images) counts[label][predicted]++;
  return counts;
}

function surestMistakes({ images }: ValidationAnswers): ValidatedImage[] {
  return images.filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, MOST_MISTAKES);
}

function environmentOf(config: RunConfig): (readonly [string, string])[] {
  const names = { version: "Residua", deno: "Deno", adapter: "device", backend: "--backend", precision: "--precision" };
  return Object.entries(names).flatMap(([name, about]) =>
    config[name] === undefined ? [] : [[about, text(config[name])] as const]
  );
}

/** The plots, where the packages for them can be had. Those in the folder are not taken: they may be anybody's. */
async function drawings(
  title: string,
  epochs: readonly EpochLine[],
  best: EpochLine | undefined,
  counts: number[][] | undefined,
  answers: ValidationAnswers | undefined,
  notes: string[],
): Promise<Pick<RunReport, "curves" | "confusion">> {
  let plots: Awaited<ReturnType<typeof loadPlots>>;
  try {
    plots = await loadPlots();
  } catch (error) {
    notes.push(`No plots are drawn: ${whyNotLoaded(error)}`);
    return {};
  }
  const confusionTitle = best === undefined
    ? title
    : `${title}, epoch ${best.epoch + 1}: ${(100 * best.valTop1).toFixed(2)} % right`;
  return {
    curves: epochs.length === 0 ? undefined : plots.curvesSvg(epochs, title),
    confusion: counts && answers && plots.confusionSvg(counts, answers.classes.map(printable), confusionTitle),
  };
}
