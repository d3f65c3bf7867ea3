/** `deno task predict`: names what is in images. */

import { DataError, elementCount, printable, ResiduaError, UsageError } from "../../core/mod.ts";
import type { LoadedModel, Prediction } from "../../inference/mod.ts";
import { messageOf } from "../error_message.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { DecodeBudget, discard, findImages, readAhead, readImage } from "../../images/mod.ts";

import { formatPercent } from "../reports/format.ts";
import { Explainer, EXPLANATIONS } from "../images/explainer.ts";
import type { Picture } from "../images/explanation.ts";
import type { MpiCommunicator } from "../mpi/communicator.ts";
import { isFirst, onFirst, type Ranks, withRanks } from "../mpi/ranks.ts";
import { shareThreads } from "../mpi/ranks_backend.ts";
import { CLASSIFIER_OPTIONS, openClassifier } from "../options/classifier.ts";
import { DISTRIBUTED_OPTION } from "../options/distributed_options.ts";
import type { Values } from "../options/option.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { printNotice, shortenName, widthOf } from "../reports/layout.ts";
import { CountLine } from "../reports/progress.ts";
import { formatTable } from "../reports/table.ts";

const OPTIONS = {
  ...CLASSIFIER_OPTIONS,
  distributed: DISTRIBUTED_OPTION,
  explain: {
    kind: "text",
    group: "Output",
    value: "DIR",
    about: "draw what speaks for the most probable class, a picture an image, into a folder",
  },
  "explain-by": {
    kind: "text",
    group: "Output",
    about: "how: grad-cam, by the gradients of the last feature maps, or occlusion, by hiding parts, which is slower",
    default: "grad-cam",
    choices: EXPLANATIONS,
  },
  progress: { kind: "flag", group: "Output", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", group: "Output", about: "print each image as a line of JSON", default: false },
} as const;

type PredictValues = Values<typeof OPTIONS>;

/** Characters of a file's name that are always shown. */
const LEAST_NAME = 12;

/** Images that are decoded at once; each may take as much memory as a large photograph. */
const DECODERS = 4;

/** `deno task predict`. */
export const predictCommand = defineCommand({
  name: "predict",
  about:
    "Name what is in images (PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF): the most probable classes, with their probabilities.",
  positionals: { value: "IMAGE|FOLDER…", about: "images, and folders of them, subfolders included" },
  options: OPTIONS,
  examples: [
    ["--checkpoint runs/first photo.jpg", "the five most probable classes of an image"],
    ["--checkpoint runs/first photos --json > photos.jsonl", "every image of a folder, as JSON"],
    ["--checkpoint runs/first --explain seen photos", "and what the network looked at, as pictures in seen/"],
    ["--checkpoint torchvision:resnet50 photo.jpg", "torchvision's published weights, on ImageNet's classes"],
    [
      "--checkpoint resnet50.pth --model resnet50 --resize 232 photo.jpg",
      "a file of weights alone, resized another way",
    ],
  ],
}, predict);

/** An image that is ready; with what is drawn, where it is to be explained. */
interface ReadyImage {
  readonly file: string;
  readonly tensor: Float32Array;
  readonly picture?: Picture;
}

/** An image that is ready, or why it is not. */
type Ready = ReadyImage | { readonly file: string; readonly error: ResiduaError };

async function predict(values: PredictValues, { given, positionals: paths }: GivenArguments): Promise<void> {
  if (paths.length === 0) throw new UsageError("Expected images or folders of them, but none was given; see --help");
  rejectUnusedOptions({ distributed: OPTIONS.distributed }, values, given);
  const { distributed, "stall-timeout": stallTimeout } = values;
  await withRanks(distributed, { given, stallTimeout }, (ranks) => predictOn(ranks, values, paths));
}

async function predictOn(ranks: Ranks, values: PredictValues, paths: readonly string[]): Promise<void> {
  const failures: ResiduaError[] = [];
  const files = await onFirst(ranks, async () => {
    const files: string[] = [];
    for (const path of paths) {
      await findImages(path, (message) => printNotice(`note: ${message}`)).then(
        (found) => found.forEach((file) => files.push(file)),
        (error) => failures.push(error),
      );
    }
    return files;
  });
  using classifier = await openClassifier({
    ...values,
    threads: ranks === undefined ? values.threads : await shareThreads(ranks, values.threads),
    batch: Math.max(1, Math.min(values.batch, files.length)),
    progress: values.progress && !values.json,
    keepTensors: values.explain !== undefined,
  });
  const { model, top, preparation, tensors, source } = classifier, { explain: folder, "explain-by": method } = values;
  using explainer = folder === undefined || tensors === undefined
    ? undefined
    : await Explainer.create({ folder, files, method, model, tensors, source });
  // On standard error, since standard output holds the results alone.
  if (!values.json && isFirst(ranks)) printNotice(preparation);
  const given = { ...values, top, explainer };
  if (ranks === undefined) await predictFiles(model, files, failures, given);
  else await predictTogether(ranks, model, files, failures, given);
  if (folder !== undefined && !values.json) printNotice(`The explanations are in ${folder}`);
}

/** How images are predicted. */
type PredictOptions =
  & Pick<PredictValues, "json" | "progress" | "max-megapixels">
  & { readonly top: number; readonly explainer?: Explainer };

/** What becomes of images, and how far they are. */
interface PredictSink {
  predicted(file: string, prediction: Prediction): void;
  failed(error: ResiduaError): void;
  done?(images: number): void;
}

/** Predicts what can be read and names the rest; ends with an error if there is any. */
async function predictFiles(
  model: LoadedModel,
  files: readonly string[],
  failures: ResiduaError[],
  options: PredictOptions,
): Promise<void> {
  const total = files.length + failures.length,
    line = new CountLine("predicting", options.progress && files.length > 1);
  const print = printer(files, total, model, options);
  const failed = (error: ResiduaError) => {
    line.clear();
    if (total === 1) throw error;
    printNotice(`error: ${messageOf(error)}`);
  };
  failures.forEach(failed);
  await predictEach(model, files, options, {
    predicted(file, prediction) {
      line.clear();
      print(file, prediction);
    },
    failed(error) {
      failures.push(error);
      failed(error);
    },
    done: (images) => line.update(images, files.length),
  });
  line.clear();
  expectNone(failures.length, total);
}

/** Images that a rank predicts before the first one prints what all have: so their results need little memory. */
const ROUND = 256;

/** Divides the images among ranks, in turns of some; the first one prints what all of them have found, in the order of the images. */
async function predictTogether(
  ranks: MpiCommunicator,
  model: LoadedModel,
  files: readonly string[],
  found: readonly ResiduaError[],
  options: PredictOptions,
): Promise<void> {
  const { rank, size } = ranks, total = await ranks.share(files.length + found.length), first = rank === 0;
  const line = new CountLine("predicting", options.progress && first), print = printer(files, total, model, options);
  found.forEach((error) => printNotice(`error: ${messageOf(error)}`));
  let failures = await ranks.share(found.length);
  for (let begin = 0; begin < files.length; begin += ROUND * size) {
    const round = files.slice(begin, begin + ROUND * size), each = Math.ceil(round.length / size);
    const results: { readonly file?: string; readonly prediction?: Prediction; readonly error?: string }[] = [];
    await predictEach(model, round.slice(rank * each, (rank + 1) * each), options, {
      predicted: (file, prediction) => void results.push({ file, prediction }),
      failed: (error) => void results.push({ error: messageOf(error) }),
    });
    const all = (await ranks.gather(results)).flat();
    failures += all.filter(({ error }) => error !== undefined).length;
    if (!first) continue;
    line.clear();
    for (const { file, prediction, error } of all) {
      if (error === undefined) print(file!, prediction!);
      else printNotice(`error: ${error}`);
    }
    line.update(Math.min(files.length, begin + ROUND * size), files.length);
  }
  line.clear();
  expectNone(failures, total);
}

function expectNone(failures: number, total: number): void {
  if (failures === 0) return;
  throw new DataError(`${failures} of ${total} images could not be used; they are named above`);
}

function printer(
  files: readonly string[],
  total: number,
  model: LoadedModel,
  { json }: PredictOptions,
): PredictSink["predicted"] {
  return json ? printJson : total === 1 ? printTable : lineOf(files, model.classes);
}

/** Predicts images in batches, reading ahead. */
async function predictEach(
  model: LoadedModel,
  files: readonly string[],
  { top, "max-megapixels": maxMegapixels, explainer }: PredictOptions,
  sink: PredictSink,
): Promise<void> {
  let waiting: ReadyImage[] = [], done = 0;
  const flush = async () => {
    const size = elementCount(model.inputShape), tensor = new Float32Array(waiting.length * size);
    waiting.forEach((image, k) => tensor.set(image.tensor, k * size));
    const predictions = await model.predictTensor(tensor, { top });
    predictions.forEach((prediction, k) => sink.predicted(waiting[k].file, prediction));
    for (const [k, { file, tensor, picture }] of waiting.entries()) {
      if (picture !== undefined) await explainer!.explain(file, tensor, picture, predictions[k]);
      sink.done?.(++done);
    }
    waiting = [];
  };
  const budget = new DecodeBudget(),
    ready = (file: string) => prepare(model, file, { budget, maxMegapixels, explainer });
  for await (const image of readAhead(files, { ahead: 2 * model.batch, atOnce: DECODERS }, ready)) {
    if ("error" in image) sink.failed(image.error);
    else if (waiting.push(image) === model.batch) await flush();
  }
  await flush();
}

async function prepare(
  model: LoadedModel,
  file: string,
  { budget, maxMegapixels, explainer }: {
    readonly budget: DecodeBudget;
    readonly maxMegapixels: number;
    readonly explainer?: Explainer;
  },
): Promise<Ready> {
  // Until the image is small.
  using held = budget.reserve();
  try {
    const image = await readImage(file, { maxMegapixels, hold: (bytes) => held.hold(bytes) });
    const tensor = model.prepare(image), picture = await explainer?.picture(image);
    discard(image);
    return { file, tensor, picture };
  } catch (error) {
    if (error instanceof ResiduaError) return { file, error };
    throw error;
  }
}

function printJson(file: string, { top }: Prediction): void {
  const predictions = top.map(({ label, index, probability }) => ({ class: label, index, probability }));
  console.log(JSON.stringify({ file, predictions }));
}

function printTable(_file: string, { top }: Prediction): void {
  console.log(
    formatTable([
      ["class", "probability"],
      ...top.map(({ label, probability }) => [label, formatPercent(probability)]),
    ]),
  );
}

/** Prints a line for each image, in columns: its name, its best class and how probable that is. */
function lineOf(files: readonly string[], classes: readonly string[]): (file: string, prediction: Prediction) => void {
  const longest = (names: readonly string[]) => names.reduce((width, name) => Math.max(width, name.length), 0);
  const fileWidth = longest(files), classWidth = longest(classes.map(printable));
  return (file, { top: [{ label, probability }] }) => {
    const rest = `  ${printable(label).padEnd(classWidth)}  ${formatPercent(probability).padStart(8)}`;
    // What is read by a program keeps its names.
    const room = Deno.stdout.isTerminal() ? Math.max(LEAST_NAME, widthOf() - rest.length) : Infinity;
    console.log(printable(shortenName(file, room)).padEnd(Math.min(fileWidth, room)) + rest);
  };
}
