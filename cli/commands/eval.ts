/** `deno task eval`: measures a checkpoint on a test set. */

import { DataError, formatHash, hashText, NumericError, type Precision, UsageError } from "../../core/mod.ts";
import { matchClasses, measureImages, MemoryDataset, type PreparationOptions, unknownClasses } from "../../data/mod.ts";
import { classMetrics, compileInference, type EvaluatedSplit, evaluateSplit } from "../../inference/mod.ts";
import type { SequentialModel } from "../../models/mod.ts";
import { Variables } from "../../weights/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import type { ReadCheckpoint } from "../../disk/mod.ts";
import { writeFile } from "../../files/mod.ts";
import { confidentErrors, drawErrorSheet } from "../images/error_sheet.ts";
import { type EvaluationImages, openEvaluationImages, type SplitName, SPLITS } from "../images/evaluation_images.ts";
import { expectSame, isFirst, onFirst, type Ranks, sharedCheckpoint, withRanks } from "../mpi/ranks.ts";
import { openRanksBackend } from "../mpi/ranks_backend.ts";
import { DISTRIBUTED_OPTION } from "../options/distributed_options.ts";
import { DATA_OPTIONS } from "../options/image_options.ts";
import { type Condition, inGroup, MOST, type Values } from "../options/option.ts";
import {
  chosenModel,
  type ChosenNormalisation,
  chosenNormalisation,
  chosenPreprocessing,
  PREPARATION_OPTIONS,
  preparationText,
} from "../options/preparation_options.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { withRunData } from "../options/run_data.ts";
import { printLines, printNotice, printText } from "../reports/layout.ts";
import { withCountLine } from "../reports/progress.ts";
import {
  BACKEND_OPTIONS,
  CHECKPOINT_OPTIONS,
  describeWork,
  PRECISION_OPTION,
  readChosenCheckpoint,
} from "../options/shared_options.ts";
import { classesCsv, classesJson, classText } from "../reports/eval_report.ts";
import { formatPercent } from "../reports/format.ts";
import { checkTune, TUNE_OPTION, tuneOptions } from "../tuning/tune_option.ts";

const { default: _, ...DATA_OPTION } = DATA_OPTIONS.data;

const withoutList: Condition = ({ list }) => list === undefined ? undefined : "--list says which images";

const OPTIONS = {
  ...CHECKPOINT_OPTIONS,
  ...DATA_OPTIONS,
  data: { ...DATA_OPTION, about: `${DATA_OPTION.about}; defaults to the run's` },
  "train-list": { ...DATA_OPTIONS["train-list"], about: "the table of a set's training images; defaults to the run's" },
  "val-list": { ...DATA_OPTIONS["val-list"], about: "the table of its validation images, likewise" },
  // Figures that are quoted are of the pixels that other tools see.
  decode: { ...DATA_OPTIONS.decode, default: "full" },
  split: {
    kind: "text",
    group: "Data",
    about: "which images; defaults to test, else val, else all of a folder that has only CLASS/ and is not the run's",
    choices: SPLITS,
    heededBy: withoutList,
  },
  list: {
    kind: "text",
    group: "Data",
    value: "FILE",
    about: "measure the images of a table, a path and a label a line; paths are in --data, or beside the table",
  },
  ...inGroup("Data", PREPARATION_OPTIONS),
  size: { kind: "integer", group: "Data", about: "the same as --crop", minimum: 1, maximum: MOST.size },
  batch: {
    kind: "integer",
    group: "Device",
    about: "images in a batch",
    default: 128,
    minimum: 1,
    maximum: MOST.batch,
  },
  limit: { kind: "integer", group: "Data", about: "take the first images only", minimum: 1 },
  logits: { kind: "text", group: "Output", value: "OUT.json", about: "write labels and logits, in the set's order" },
  csv: {
    kind: "text",
    group: "Output",
    value: "FILE.csv",
    about: "write images, precision, recall and F1 of each class",
  },
  errors: {
    kind: "text",
    group: "Output",
    value: "FILE.png",
    about: "draw the wrong answers that the network was most sure of",
  },
  ...BACKEND_OPTIONS,
  distributed: DISTRIBUTED_OPTION,
  precision: PRECISION_OPTION,
  tune: TUNE_OPTION,
  progress: { kind: "flag", group: "Output", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", group: "Output", about: "print the result as JSON", default: false },
} as const;

type EvalValues = Values<typeof OPTIONS>;

/** `deno task eval`. */
export const evalCommand = defineCommand({
  name: "eval",
  about: "Measure a checkpoint on a test set: loss, top-1, top-5, precision, recall and F1 of each class, confusions.",
  options: OPTIONS,
  examples: [
    ["--checkpoint runs/first", "the best checkpoint of a run, on the images that it was validated on"],
    ["--checkpoint runs/first --data photos --split test", "on photos/test/CLASS, its classes matched by name"],
    ["--checkpoint weights.safetensors --model resnet20 --data cifar-10-batches-bin", "a bare weight file"],
    [
      "--checkpoint resnet50.pth --model resnet50 --data imagenet/val --resize 232 --crop 224",
      "torchvision's weights, with the transform that they were measured by",
    ],
    ["--checkpoint runs/first --csv classes.csv --errors errors.png", "each class, and the worst errors, as files"],
  ],
}, evaluate);

async function evaluate(written: EvalValues, { given }: GivenArguments): Promise<void> {
  checkTune(written.tune);
  if (written.errors !== undefined && !/\.png$/i.test(written.errors)) {
    throw new UsageError(`--errors: expected the name of a PNG file, such as errors.png, but "${written.errors}" came`);
  }
  rejectUnusedOptions({ distributed: OPTIONS.distributed }, written, given);
  const { distributed, "stall-timeout": stallTimeout } = written;
  await withRanks(distributed, { given, stallTimeout }, (ranks) => evaluateOn(ranks, written, given));
}

async function evaluateOn(ranks: Ranks, written: EvalValues, given: GivenArguments["given"]): Promise<void> {
  const first = isFirst(ranks), progress = written.progress && !written.json && first;
  const checkpoint = (await sharedCheckpoint(ranks, () => readChosenCheckpoint(written)))!;
  const { values, own } = await onFirst(ranks, () => withRunData(OPTIONS, given, written.checkpoint!));
  rejectUnusedOptions({ ...DATA_OPTIONS, split: OPTIONS.split }, values, given);
  const crop = values.crop ?? (given.size === undefined ? undefined : values.size);
  const usual = chosenModel(checkpoint, { model: values.model, crop });
  const [, height, width] = usual.inputShape;
  const set = await openEvaluationImages(
    { ...values, toMeasure: true, isQuiet: !first, split: values.split as SplitName | undefined },
    height,
    own,
  );
  const inMemory = set.images instanceof MemoryDataset;
  const resizes = !inMemory || (values.resize ?? crop ?? values.interpolation) !== undefined;
  // A bare file says no size, so that it takes that of images that stay as they are.
  const shape = resizes ? [set.shape[0], height, width] as const : set.shape;
  const model = chosenModel(checkpoint, { model: values.model, crop }, shape);
  const classMap = classesOf(checkpoint, model, set, first), names = checkpoint.info?.classes ?? set.classes;
  expectShape(checkpoint, model, set, resizes);
  const preprocessing = resizes ? chosenPreprocessing(checkpoint, model, values) : undefined;
  // Images in memory are measured as they are.
  const { train } = set, measured = inMemory ? set.shape : model.inputShape;
  const chosen = await chosenNormalisation(
    checkpoint,
    model,
    values,
    train && (async () => {
      const measure = (onProgress: Parameters<typeof measureImages>[2]) => measureImages(train, measured, onProgress);
      return (await withCountLine("measuring", progress, measure)).normalisation("channel");
    }),
  );
  const images = {
    split: set.images,
    shape: model.inputShape,
    preprocessing,
    normalisation: chosen.normalisation,
    classMap,
  };
  if (ranks !== undefined) await expectSame(ranks, "data", dataText(set));
  const backend = await openRanksBackend(ranks, values);
  let result: EvaluatedSplit;
  try {
    const variables = new Variables(), batch = Math.min(values.batch, set.images.count);
    const tune = tuneOptions(values.tune, backend, { progress });
    const precision = values.precision as Precision;
    const program = await compileInference(model, backend, batch, variables, { precision, tune });
    variables.write(checkpoint.tensors, checkpoint.source);
    result = await withCountLine(
      "evaluating",
      progress,
      (onProgress) =>
        evaluateSplit(program, { ...images, onProgress, collective: ranks }, batch, model.classes, values.limit),
    );
  } finally {
    backend.destroy();
  }
  if (!first) return;
  const work = describeWork(backend, values) + (ranks === undefined ? "" : ", on each rank");
  await report(values, { checkpoint, set, model, names, images, origin: chosen, work, result });
}

/** What was measured, and how. */
interface Measurement {
  readonly checkpoint: ReadCheckpoint;
  readonly set: EvaluationImages;
  readonly model: SequentialModel;
  /** The names of the network's classes. */
  readonly names: readonly string[];
  readonly images: PreparationOptions;
  readonly origin: ChosenNormalisation;
  /** Where it was computed. */
  readonly work: string;
  readonly result: EvaluatedSplit;
}

/** Writes the files that were asked for, and prints the figures. */
async function report(
  values: EvalValues,
  { checkpoint, set, model, names, images, origin, work, result }: Measurement,
): Promise<void> {
  expectFiniteLoss(result, checkpoint.source);
  const { logits, labels, loss, top1, top5, confusion } = result, figures = classMetrics(confusion);
  if (values.logits !== undefined) await writeLogits(values.logits, labels, logits, model.classes);
  if (values.csv !== undefined) await writeFile(values.csv, new TextEncoder().encode(classesCsv(names, figures)));
  const errors = confidentErrors(logits, labels, model.classes);
  if (values.errors !== undefined && errors.length > 0) {
    const title = `${model.name} on ${set.about} of ${set.name}: the surest errors`;
    await writeFile(values.errors, await drawErrorSheet(title, errors, set.images, images, names));
  }
  if (values.json) {
    return console.log(JSON.stringify({
      checkpoint: checkpoint.source,
      model: model.name,
      data: set.name,
      split: set.split,
      preprocessing: images.preprocessing,
      normalisation: images.normalisation,
      images: labels.length,
      loss,
      top1,
      top5,
      macro: figures.macro,
      classes: classesJson(names, figures),
      confusion,
    }));
  }
  const few = set.classes.length === model.classes ? "" : `, ${set.classes.length} of ${model.classes} classes`;
  printText(`${model.name}, ${checkpoint.source}`);
  printText(`${labels.length} ${set.about} of ${set.name}${few}`);
  printText(preparationText(images.preprocessing, origin));
  printText(work);
  const five = model.classes > 5 ? `  top-5 ${formatPercent(top5)}` : "";
  printLines(`\nloss ${loss.toFixed(4)}  top-1 ${formatPercent(top1)}${five}\n`);
  printLines(classText(names, figures, confusion));
  if (values.csv !== undefined) printLines(`\nAll classes are in ${values.csv}`);
  if (values.errors === undefined) return;
  printLines(
    errors.length === 0 ? "\nNo answer is wrong, so there is no sheet" : `\nThe errors are in ${values.errors}`,
  );
}

/** What tells the images of a rank from those of another. */
function dataText({ images: { count, labels } }: EvaluationImages): string {
  return `${count} images with labels of the hash ${formatHash(hashText(labels.join()))}`;
}

/** The network's class of each class of the set: by name, or by position for a file that names none. */
function classesOf(
  { info, source }: ReadCheckpoint,
  model: SequentialModel,
  { name, classes, numbered = false }: EvaluationImages,
  tells: boolean,
): readonly number[] | undefined {
  const positions = numbered ? classes.map(Number) : undefined;
  const isIn = positions?.every((position) => position < model.classes) ?? false;
  if (isIn && !classes.some((name) => info?.classes.includes(name))) {
    if (tells) {
      printNotice(
        `note: ${name}: its labels are taken for positions among the network's ${model.classes} classes, from 0`,
      );
    }
    return positions;
  }
  if (info === undefined) {
    if (classes.length === model.classes) return undefined;
    throw new UsageError(
      `${source} tells ${model.classes} classes apart and names none, so that ${name} must have as many, in their order, ` +
        `but it has ${classes.length}`,
    );
  }
  if (info.classes.length !== model.classes) {
    throw new DataError(
      `${source}: ${model.name} tells ${model.classes} classes apart, but the file names ${info.classes.length}`,
    );
  }
  const { indices, unknown } = matchClasses(info.classes, classes);
  if (unknown.length === 0) return indices;
  throw new UsageError(
    `${name}: ${source} knows other classes: ${
      unknownClasses(info.classes, unknown)
    }; rename the folders of classes, ` +
      `or give the data of its classes with --data`,
  );
}

function expectShape(
  { source }: ReadCheckpoint,
  { inputShape }: SequentialModel,
  { name, shape }: EvaluationImages,
  resizes: boolean,
): void {
  const same = resizes ? inputShape[0] === shape[0] : inputShape.join() === shape.join();
  if (same) return;
  const resize = inputShape[0] === shape[0] ? `; give --resize ${Math.max(...inputShape.slice(1))} to resize them` : "";
  throw new UsageError(
    `${source} is for images of ${inputShape.join("x")}, but ${name} has images of ${shape.join("x")}${resize}`,
  );
}

/** Figures of a network that computes nothing are none: arg max takes some class of NaN. */
function expectFiniteLoss({ loss }: EvaluatedSplit, source: string): void {
  if (Number.isFinite(loss)) return;
  throw new NumericError(
    `${source}: the loss is ${loss}, since the network's outputs are not finite; its weights are too large to compute with, ` +
      "or damaged: take an earlier checkpoint",
  );
}

async function writeLogits(path: string, labels: Uint32Array, logits: Float32Array, classes: number): Promise<void> {
  const rows = Array.from(
    { length: logits.length / classes },
    (_, k) => Array.from(logits.subarray(k * classes, (k + 1) * classes)),
  );
  const text = JSON.stringify({ labels: Array.from(labels), logits: rows });
  await writeFile(path, new TextEncoder().encode(text));
}
