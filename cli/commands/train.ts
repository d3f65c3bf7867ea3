/** `deno task train`: trains a classifier and leaves a run folder. */

import { DataError, UsageError } from "../../core/mod.ts";
import { describedModel, type EpochEvent, fit, RunFolder, SCHEDULES } from "../../train/mod.ts";
import { defineCommand } from "../command.ts";
import { DiskStore, readCheckpoint } from "../disk.ts";
import { AUGMENTATION_OPTIONS, chooseAugmentation, DATA_OPTIONS, openData } from "../image_options.ts";
import type { Values } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { BACKEND_OPTIONS, MODEL_OPTION, openChosenBackend } from "../shared_options.ts";
import { VERSION } from "../version.ts";

const OPTIONS = {
  model: { ...MODEL_OPTION, default: "resnet20" },
  ...DATA_OPTIONS,
  epochs: { kind: "integer", about: "passes over the training set", default: 6, minimum: 1 },
  steps: { kind: "integer", about: "stop after so many batches", minimum: 1 },
  batch: { kind: "integer", about: "images in a batch; 32 for shapes, 128 for other data", minimum: 1 },
  lr: { kind: "number", about: "the first learning rate", default: 0.1, minimum: 0 },
  momentum: { kind: "number", about: "momentum of SGD", default: 0.9, minimum: 0 },
  "weight-decay": { kind: "number", about: "weight decay of SGD", default: 1e-4, minimum: 0 },
  schedule: { kind: "text", about: "how the learning rate falls", default: "step", choices: SCHEDULES },
  factor: { kind: "number", about: "what step and plateau multiply the rate by", default: 0.1, minimum: 0 },
  patience: { kind: "integer", about: "epochs without improvement before plateau acts", default: 5, minimum: 0 },
  milestones: {
    kind: "numbers",
    value: "A,B",
    about: "fractions of the epochs at which step acts",
    default: "0.5,0.75",
    minimum: 0,
  },
  ...AUGMENTATION_OPTIONS,
  shuffle: { kind: "flag", about: "visit the images in a new order each epoch", default: true },
  "label-smoothing": { kind: "number", about: "share of the target spread over all classes", default: 0, minimum: 0 },
  shortcut: {
    kind: "text",
    about: "the shortcut where shapes differ (He et al. 2015)",
    default: "B",
    choices: ["A", "B", "C"],
  },
  downsampling: {
    kind: "text",
    about: "how blocks halve the resolution",
    default: "stride",
    choices: ["stride", "maxPool"],
  },
  "zero-init": { kind: "flag", about: "start the last batch norm of each block at 0", default: false },
  seed: { kind: "integer", about: "the seed of weights, order and augmentation", default: 0, minimum: 0 },
  init: { kind: "text", value: "FILE", about: "start from the weights of a safetensors file" },
  resume: {
    kind: "text",
    value: "RUN",
    about: "go on with a run; its model, data, batch and seed must be given again as they were",
  },
  out: { kind: "text", value: "RUN", about: "the run folder; runs/DATE-TIME unless given" },
  ...BACKEND_OPTIONS,
  deterministic: {
    kind: "flag",
    about: "never choose kernels by timing them (no kernel is chosen so today)",
    default: false,
  },
  progress: { kind: "flag", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", about: "print each epoch as a line of JSON", default: false },
} as const;

type TrainValues = Values<typeof OPTIONS>;

/** Batch size of the built-in set, which is small. */
const SHAPES_BATCH = 32;

/** `deno task train`. */
export const trainCommand = defineCommand({
  name: "train",
  about: "Train a residual network on images.",
  options: OPTIONS,
  examples: [
    ["", "a ResNet-20 on the built-in shapes"],
    ["--data cifar-10-batches-bin --epochs 20", "CIFAR-10, as unpacked from its binary archive"],
    ["--data photos --model resnet18 --augment vgg", "photographs in photos/train/CLASS and photos/val/CLASS"],
    ["--resume runs/first --epochs 20 --out runs/first", "go on with a run that was stopped"],
  ],
}, train);

async function train(values: TrainValues): Promise<void> {
  const resumed = values.resume === undefined ? undefined : await loadRun(values.resume);
  const initial = values.init === undefined ? resumed : await readCheckpoint(values.init);
  if (values.init !== undefined && resumed !== undefined) {
    throw new UsageError("--init and --resume exclude each other");
  }
  const set = await openData(values, resumed?.info?.model ?? { name: values.model });
  const description = resumed?.info?.model ?? {
    name: values.model,
    classes: set.classes.length,
    inputShape: set.shape,
    shortcut: values.shortcut as "A" | "B" | "C",
    downsampling: values.downsampling as "stride" | "maxPool",
    zeroInitLastGamma: values["zero-init"],
  };
  const model = describedModel(description);
  const { augmentation, normalisation } = await chooseAugmentation(values, set, initial?.info?.normalisation);
  const batch = values.batch ?? (values.data === "shapes" ? SHAPES_BATCH : 128);
  const backend = await openChosenBackend(values);
  try {
    const location = values.out ?? values.resume ?? `runs/${timestamp()}`;
    const folder = new RunFolder(await DiskStore.open(location));
    if (resumed !== undefined) await folder.keepEpochs(resumed.info!.progress!.epochs);
    await folder.writeConfig({
      ...values,
      batch,
      out: location,
      version: VERSION,
      deno: Deno.version.deno,
      adapter: backend.description,
    });
    if (!values.json) {
      console.log(
        `${model.name} on ${set.name}: ${set.train.count} training and ${set.validation.count} validation images, ${backend.description}`,
      );
    }
    const line = new ProgressLine(values.progress && !values.json);
    const epochs = values.steps === undefined
      ? values.epochs
      : Math.max(1, Math.ceil(values.steps / Math.max(1, Math.floor(set.train.count / batch))));
    try {
      await fit({
        model,
        description,
        backend,
        set,
        epochs,
        steps: values.steps,
        batch,
        rate: values.lr,
        momentum: values.momentum,
        weightDecay: values["weight-decay"],
        schedule: values.schedule as (typeof SCHEDULES)[number],
        factor: values.factor,
        patience: values.patience,
        milestones: values.milestones,
        augmentation,
        shuffle: values.shuffle,
        labelSmoothing: values["label-smoothing"],
        seed: values.seed,
        initial,
        progress: resumed?.info?.progress,
        normalisation,
        folder,
        onStep: (event) => line.update(event),
        onEpoch: (event) => {
          line.clear();
          console.log(values.json ? epochJson(event) : epochText(event, epochs));
        },
      });
    } finally {
      line.clear();
    }
    if (!values.json) console.log(`The run is in ${location}: metrics.jsonl, best.safetensors, last.safetensors`);
  } finally {
    backend.destroy();
  }
}

async function loadRun(run: string) {
  const path = `${run.replace(/\/+$/, "")}/last.safetensors`, checkpoint = await readCheckpoint(path);
  if (checkpoint.info?.progress === undefined) {
    throw new DataError(
      `${path}: the file does not say where its run stood, so it cannot be resumed; use --init to start from its weights`,
    );
  }
  return checkpoint;
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function epochText({ epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent, epochs: number): string {
  return `epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}  loss ${
    trainLoss.toFixed(4)
  }  accuracy ${percent(trainTop1)}  ` +
    `validation loss ${validation.loss.toFixed(4)}  accuracy ${percent(validation.top1)}  lr ${
      Number(rate.toPrecision(4))
    }  ${seconds.toFixed(1)} s`;
}

function epochJson({ epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent): string {
  return JSON.stringify({
    epoch,
    trainLoss,
    trainTop1,
    valLoss: validation.loss,
    valTop1: validation.top1,
    lr: rate,
    seconds,
  });
}
