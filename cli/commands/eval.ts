/** `deno task eval`: measures a checkpoint on the validation set. */

import { type Precision, UsageError } from "../../core/mod.ts";
import { measureImages } from "../../data/mod.ts";
import { compileInference, evaluateSplit } from "../../inference/mod.ts";
import { describedModel, Variables } from "../../weights/mod.ts";
import { defineCommand } from "../command.ts";
import { writeFile } from "../files/write_file.ts";
import { confusionText, shareText } from "../reports/evaluation_report.ts";
import { printText, widthOf } from "../reports/layout.ts";
import { withCountLine } from "../reports/progress.ts";
import { DATA_OPTIONS, openData } from "../options/image_options.ts";
import {
  BACKEND_OPTIONS,
  CHECKPOINT_OPTIONS,
  describeWork,
  modelOf,
  openChosenBackend,
  PRECISION_OPTION,
  readChosenCheckpoint,
} from "../options/shared_options.ts";
import { checkTune, TUNE_OPTION, tuneOptions } from "../tuning/tune_option.ts";

const OPTIONS = {
  ...CHECKPOINT_OPTIONS,
  ...DATA_OPTIONS,
  batch: { kind: "integer", group: "Device", about: "images in a batch", default: 128, minimum: 1 },
  limit: { kind: "integer", group: "Data", about: "take the first images only", minimum: 1 },
  logits: { kind: "text", group: "Output", value: "OUT.json", about: "write labels and logits, in the set's order" },
  ...BACKEND_OPTIONS,
  precision: PRECISION_OPTION,
  tune: TUNE_OPTION,
  progress: { kind: "flag", group: "Output", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", group: "Output", about: "print the result as JSON", default: false },
} as const;

/** `deno task eval`. */
export const evalCommand = defineCommand({
  name: "eval",
  about: "Measure a checkpoint on the validation images: loss, top-1, top-5, each class, confusions.",
  options: OPTIONS,
  examples: [
    ["--checkpoint runs/first", "the best checkpoint of a run on the built-in shapes"],
    ["--checkpoint weights.safetensors --model resnet20 --data cifar-10-batches-bin", "a bare weight file"],
  ],
}, async (values) => {
  checkTune(values.tune);
  const checkpoint = await readChosenCheckpoint(values), { tensors, info, source } = checkpoint;
  const set = await openData(values, modelOf(checkpoint, { name: values.model }));
  const given = { name: values.model, classes: set.classes.length, inputShape: set.shape };
  const model = describedModel(modelOf(checkpoint, given));
  if (model.inputShape.join() !== set.shape.join() || model.classes !== set.classes.length) {
    throw new UsageError(
      `${source} is for images of ${model.inputShape.join("x")} in ${model.classes} classes, ` +
        `but ${set.name} has images of ${set.shape.join("x")} in ${set.classes.length}`,
    );
  }
  const progress = values.progress && !values.json;
  const normalisation = info?.normalisation ??
    (await withCountLine("measuring", progress, (onProgress) => measureImages(set.train, set.shape, onProgress)))
      .normalisation("channel");
  const backend = await openChosenBackend(values);
  try {
    const variables = new Variables(), batch = Math.min(values.batch, set.validation.count);
    const tune = tuneOptions(values.tune, backend, { progress });
    const precision = values.precision as Precision;
    const program = await compileInference(model, backend, batch, variables, { precision, tune });
    variables.write(tensors, source);
    const split = { split: set.validation, shape: set.shape, normalisation };
    const result = await withCountLine(
      "evaluating",
      progress,
      (onProgress) => evaluateSplit(program, { ...split, onProgress }, batch, model.classes, values.limit),
    );
    const { logits, labels, loss, top1, top5, confusion } = result;
    const images = logits.length / model.classes;
    if (values.logits !== undefined) await writeLogits(values.logits, labels, logits, model.classes);
    if (values.json) return console.log(JSON.stringify({ images, loss, top1, top5, confusion }));
    printText(
      `${model.name} (${source}) on ${images} validation images of ${set.name}, ${describeWork(backend, values)}`,
    );
    printText(`${shareText(result)}\n`);
    console.log(confusionText(confusion, set.classes, widthOf()));
  } finally {
    backend.destroy();
  }
});

async function writeLogits(path: string, labels: Uint32Array, logits: Float32Array, classes: number): Promise<void> {
  const rows = Array.from(
    { length: logits.length / classes },
    (_, k) => Array.from(logits.subarray(k * classes, (k + 1) * classes)),
  );
  const text = JSON.stringify({ labels: Array.from(labels), logits: rows });
  await writeFile(path, new TextEncoder().encode(text));
}
