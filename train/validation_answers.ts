/**
 * What the best network of a run said of each validation image, as `validation.json` keeps it: columns of numbers, an image a
 * row, in the order of the set.
 */

import {
  countField,
  customField,
  DataError,
  type FieldCheck,
  listField,
  objectField,
  optionalField,
  parseJson,
  textField,
} from "../core/mod.ts";
import { type Dataset, FolderDataset } from "../data/mod.ts";
import { answerOf, type EvaluatedSplit } from "../inference/mod.ts";

/** What a network said of an image of the validation set. */
export interface ValidatedImage {
  /** The image's index in the set, from 0. */
  readonly index: number;
  /** The path of its file in the folder of the data, where it has one. */
  readonly path?: string;
  /** Its class; where its file could not be read, that of the image in its place. */
  readonly label: number;
  /** The class of the largest logit. */
  readonly predicted: number;
  /** The probability of that class, by the softmax of all logits, to six digits. */
  readonly probability: number;
  /** The probability of the image's own class, to six digits. */
  readonly labelProbability: number;
}

/** What a network said of the images of a validation set. */
export interface ValidationAnswers {
  /** The epoch after which it was asked, from 0, as in `metrics.jsonl`. */
  readonly epoch: number;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** The number of images in the set. */
  readonly count: number;
  /** From one image to the next of those that are kept: 1 where all are. */
  readonly stride: number;
  /** The images that are kept, in the order of the set. */
  readonly images: readonly ValidatedImage[];
}

/** The columns of a file. */
interface Columns extends Pick<ValidationAnswers, "epoch" | "classes" | "count" | "stride"> {
  readonly validation: typeof VERSION;
  readonly label: readonly number[];
  readonly predicted: readonly number[];
  readonly probability: readonly number[];
  readonly labelProbability: readonly number[];
  readonly path?: readonly string[];
}

const VERSION = 1;
/** Of larger sets every second image is kept, or every third and so on, which keeps the shares of classes. */
const MOST_IMAGES = 100_000;
/** The most characters of the paths that are kept, together; longer ones are left out. */
const MOST_PATHS = 2 ** 23;
const DIGITS = 6;

/**
 * Reads from an evaluation what the network said of each image.
 *
 * @param split The images.
 * @param evaluated Their evaluation.
 * @param epoch The epoch, from 0.
 * @param classes The names of the classes.
 */
export function validationAnswers(
  split: Dataset,
  { logits, labels }: Pick<EvaluatedSplit, "logits" | "labels">,
  epoch: number,
  classes: readonly string[],
): ValidationAnswers {
  const count = labels.length, stride = Math.max(1, Math.ceil(count / MOST_IMAGES));
  const round = (share: number) => Number(share.toPrecision(DIGITS)), paths = pathsOf(split, count, stride);
  const images: ValidatedImage[] = [];
  for (let index = 0; index < count; index += stride) {
    const scores = logits.subarray(index * classes.length, (index + 1) * classes.length), label = labels[index];
    const { predicted, probability, labelProbability } = answerOf(scores, label);
    images.push({
      index,
      ...(paths === undefined ? {} : { path: paths[images.length] }),
      label,
      predicted,
      probability: round(probability),
      labelProbability: round(labelProbability),
    });
  }
  return { epoch, classes, count, stride, images };
}

/** The paths of the files of every so many images; nothing where they have none, or too long ones. */
function pathsOf(split: Dataset, count: number, stride: number): string[] | undefined {
  if (!(split instanceof FolderDataset)) return undefined;
  const paths: string[] = [];
  for (let index = 0, length = 0; index < count; index += stride) {
    const path = split.files.at(index);
    if ((length += path.length) > MOST_PATHS) return undefined;
    paths.push(path);
  }
  return paths;
}

/** The text of a file of answers. */
export function formatAnswers({ images, epoch, classes, count, stride }: ValidationAnswers): string {
  const hasPaths = images.every(({ path }) => path !== undefined);
  const columns: Columns = {
    validation: VERSION,
    epoch,
    classes,
    count,
    stride,
    label: images.map(({ label }) => label),
    predicted: images.map(({ predicted }) => predicted),
    probability: images.map(({ probability }) => probability),
    labelProbability: images.map(({ labelProbability }) => labelProbability),
    ...(hasPaths ? { path: images.map(({ path }) => path!) } : {}),
  };
  return JSON.stringify(columns) + "\n";
}

const checkHead = objectField({
  validation: customField(`${VERSION}, the version of the file`, (value) => value === VERSION),
  epoch: countField(),
  classes: listField(textField),
  count: countField(1),
  stride: countField(1),
});

const share = customField("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1);

/** What of a file is something else; nothing where it is right. */
function findFault(value: unknown): string | undefined {
  const fault = objectField({})(value, "the whole") ?? checkHead(value, "");
  if (fault !== undefined) return fault;
  const { classes, count, stride } = value as Columns, rows = Math.ceil(count / stride);
  const index = customField(
    `a class from 0 to ${classes.length - 1}`,
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < classes.length,
  );
  const column = (check: FieldCheck) => listField(check, rows);
  return objectField({
    label: column(index),
    predicted: column(index),
    probability: column(share),
    labelProbability: column(share),
    path: optionalField(column(textField)),
  })(value, "");
}

/**
 * Reads a file of answers.
 *
 * @param bytes Its content.
 * @param source Where it is from, for messages.
 * @throws {DataError} If it is something else: which field, and what was expected.
 */
export function parseAnswers(bytes: Uint8Array, source: string): ValidationAnswers {
  const advice = "remove it; the run writes it again when an epoch is as good as the best";
  let value: unknown;
  try {
    value = parseJson(bytes, source);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${source}: it is not JSON text; ${advice}`);
  }
  const fault = findFault(value);
  if (fault !== undefined) throw new DataError(`${source}: ${fault}; ${advice}`);
  const { epoch, classes, count, stride, path, ...columns } = value as Columns;
  const images = columns.label.map((label, k): ValidatedImage => ({
    index: k * stride,
    ...(path === undefined ? {} : { path: path[k] }),
    label,
    predicted: columns.predicted[k],
    probability: columns.probability[k],
    labelProbability: columns.labelProbability[k],
  }));
  return { epoch, classes, count, stride, images };
}
