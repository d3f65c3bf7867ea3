/** `deno task train`: trains a classifier and leaves a run folder. */

import { UsageError } from "../../core/mod.ts";
import { unusedModelOptions } from "../../models/mod.ts";
import { describedModel, fit, foreignHead, frozenNames, parameterNames, RunFolder } from "../../train/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { DiskStore, readCheckpoint } from "../disk.ts";
import { AUGMENTATION_OPTIONS, chooseAugmentation, DATA_OPTIONS, openData } from "../image_options.ts";
import { Interrupt } from "../interrupt.ts";
import { type GivenOptions, resolveOptions, type Values } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { formatRecipe, openRecipe, RECIPES, type RecipeValue, recipeValues } from "../recipes.ts";
import { expectSameRun, readRunConfig, withoutGivenLength } from "../resume.ts";
import { RunEvents } from "../run_events.ts";
import { RunPlots } from "../run_plots.ts";
import { BACKEND_OPTIONS, MODEL_OPTION, openChosenBackend } from "../shared_options.ts";
import {
  CHECKPOINT_OPTIONS,
  OPTIMIZER_OPTIONS,
  optimizerOptions,
  SCHEDULE_OPTIONS,
  scheduleOptions,
} from "../train_options.ts";
import { epochJson, epochText, resumeText, stoppedText } from "../train_report.ts";
import { TUNE_OPTION, tuneOptions } from "../tune_option.ts";
import { VERSION } from "../version.ts";

const OPTIONS = {
  recipe: {
    kind: "text",
    value: "NAME|FILE.json",
    about: `the options of a paper: ${
      RECIPES.map(({ recipe }) => recipe).join(", ")
    }; options given beside it count more`,
  },
  "print-recipe": { kind: "flag", about: "print the recipe, with the source of each value, and end", default: false },
  model: { ...MODEL_OPTION, default: "resnet20" },
  ...DATA_OPTIONS,
  epochs: { kind: "integer", about: "passes over the training set", default: 6, minimum: 1 },
  steps: { kind: "integer", about: "stop after so many batches", minimum: 1 },
  batch: { kind: "integer", about: "images in a batch; 32 for shapes, 128 for other data", minimum: 1 },
  accumulate: {
    kind: "integer",
    about: "parts of a batch that go through the network one by one, to save memory; batch norm sees each part alone",
    default: 1,
    minimum: 1,
  },
  lr: { kind: "number", about: "the first learning rate, or onecycle's highest", default: 0.1, minimum: 0 },
  ...SCHEDULE_OPTIONS,
  ...OPTIMIZER_OPTIONS,
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
  init: {
    kind: "text",
    value: "FILE",
    about: "start from the weights of a safetensors or PyTorch file; a head for other classes starts anew",
  },
  freeze: {
    kind: "text",
    value: "PATTERN,…",
    about: "parameters that stay as they are, such as layer1.*; running statistics follow all the same",
  },
  resume: {
    kind: "text",
    value: "RUN",
    about: "go on with a run, as its config.json says; --epochs or --steps may extend it, --data may have moved",
  },
  out: { kind: "text", value: "RUN", about: "the run folder; runs/DATE-TIME unless given" },
  ...CHECKPOINT_OPTIONS,
  ...BACKEND_OPTIONS,
  tune: TUNE_OPTION,
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
    ["--recipe he2015-cifar --data cifar-10-batches-bin", "as He et al. trained on CIFAR-10"],
    ["--init resnet18.pth --model resnet18 --freeze 'conv1.*,bn1.*,layer*' --lr 0.01", "a new head on given weights"],
    ["--resume runs/first", "go on with a run that was stopped, to the bit"],
  ],
}, train);

async function train(written: TrainValues, { given }: GivenArguments): Promise<void> {
  if (written["print-recipe"]) return await printRecipe(written, given);
  const values = await resolveValues(written, given), { resume } = values;
  const set = await openData(values, { name: values.model });
  const batch = values.batch ?? (values.data === "shapes" ? SHAPES_BATCH : 128);
  const description = {
    name: values.model,
    classes: set.classes.length,
    inputShape: set.shape,
    shortcut: values.shortcut as "A" | "B" | "C",
    downsampling: values.downsampling as "stride" | "maxPool",
    zeroInitLastGamma: values["zero-init"],
  };
  refuseUnused(values.model, given);
  const model = describedModel(description);
  const freeze = values.freeze?.split(",") ?? [], parameters = parameterNames(model);
  const frozen = frozenNames(freeze, parameters).length;
  const readInit = () => values.init === undefined ? undefined : readCheckpoint(values.init);
  const start = resume === undefined ? await readInit() : undefined;
  const location = resume ?? values.out ?? `runs/${timestamp()}`;
  // What is wrong so far leaves no folder behind.
  await using store = await DiskStore.lock(location);
  const folder = new RunFolder(store), checkpoint = await folder.resume();
  if (checkpoint !== undefined && resume === undefined) {
    throw new UsageError(
      `${location} holds a run already; go on with it by --resume, or choose another folder with --out`,
    );
  }
  const initial = checkpoint ?? start ?? await readInit();
  const foreign = checkpoint === undefined && initial !== undefined ? foreignHead(model, initial.tensors) : undefined;
  const { augmentation, normalisation } = await chooseAugmentation(values, set, initial?.info?.normalisation);
  const stepsPerEpoch = Math.max(1, Math.floor(set.train.count / batch));
  const epochs = values.steps === undefined ? values.epochs : Math.max(1, Math.ceil(values.steps / stepsPerEpoch));
  const line = new ProgressLine(values.progress && !values.json);
  using interrupt = new Interrupt(() => {
    line.clear();
    console.error("Finishing the step and saving; interrupt again to leave at once.");
  });
  const backend = await openChosenBackend(values);
  try {
    const say = (text: string) => {
      if (!values.json) console.log(text);
    };
    say(
      `${model.name} on ${set.name}: ${set.train.count} training and ${set.validation.count} validation images, ${backend.description}${
        frozen === 0 ? "" : `, ${frozen} of ${parameters.length} parameters frozen (${freeze.join(", ")})`
      }`,
    );
    if (checkpoint?.damage !== undefined) {
      console.error(`warning: ${checkpoint.damage}; went back to the one before it`);
    }
    if (resume !== undefined) say(resumeText(checkpoint, location));
    if (values.accumulate > 1) {
      say(
        `${values.accumulate} parts of ${
          batch / values.accumulate
        } images a batch; batch norm takes its statistics of each`,
      );
    }
    if (foreign !== undefined) {
      say(
        `${
          foreign.names.join(", ")
        }: ${foreign.classes} classes in the file, ${model.classes} here; the head starts anew`,
      );
    }
    const events = new RunEvents(store);
    try {
      const { stopped, steps, last } = await fit({
        model,
        description,
        backend,
        set,
        epochs,
        steps: values.steps,
        batch,
        accumulate: values.accumulate,
        tune: tuneOptions(values.tune, backend.description, values.progress && !values.json),
        rate: values.lr,
        freeze,
        ...scheduleOptions(values, stepsPerEpoch),
        ...optimizerOptions(values),
        augmentation,
        shuffle: values.shuffle,
        labelSmoothing: values["label-smoothing"],
        seed: values.seed,
        initial: initial && { ...initial, keep: foreign?.names },
        progress: checkpoint?.info.progress,
        normalisation,
        folder,
        checkpoints: {
          minutes: values["checkpoint-minutes"],
          steps: values["checkpoint-steps"],
          keep: values.keep,
        },
        signal: interrupt.signal,
        callbacks: [new RunPlots(store, folder, `${model.name} on ${set.name}`, set.classes), events],
        onStart: () =>
          folder.writeConfig({
            ...values,
            resume: undefined,
            batch,
            out: location,
            version: VERSION,
            deno: Deno.version.deno,
            adapter: backend.description,
          }),
        onStep: (event) => line.update(event),
        onEpoch: (event) => {
          line.clear();
          console.log(values.json ? epochJson(event) : epochText(event, epochs));
        },
      });
      line.clear();
      await events.flush();
      if (stopped) return console.log(stoppedText(steps, location, values.json));
      if (last === undefined) return say(`The run is at its end, ${steps} steps; give --epochs or --steps to go on.`);
      say(`The run is in ${location}: curves.svg, confusion.svg, metrics.jsonl, best.safetensors, last.safetensors`);
    } finally {
      line.clear();
    }
  } finally {
    backend.destroy();
  }
}

/** Options that shape a model, and what the library calls them. */
const MODEL_SHAPE = { shortcut: "shortcut", downsampling: "downsampling", "zero-init": "zeroInitLastGamma" } as const;

function refuseUnused(model: string, given: GivenOptions): void {
  const unused = unusedModelOptions(model);
  for (const [option, name] of Object.entries(MODEL_SHAPE)) {
    if (option in given && unused.includes(name)) throw new UsageError(`--${option}: ${model} has no use for it`);
  }
}

/** The values of the run: those given, those of the run that goes on or of the recipe, the defaults. */
async function resolveValues(values: TrainValues, given: GivenOptions): Promise<TrainValues> {
  const { resume: path, out, init } = values;
  if (path === undefined) {
    if (values.recipe === undefined) return values;
    const base = recipeValues(await openRecipe(values.recipe, OPTIONS));
    return resolveOptions(OPTIONS, given, withoutGivenLength(base, given));
  }
  if (out !== undefined || init !== undefined) {
    throw new UsageError(`--${out === undefined ? "init" : "out"} and --resume exclude each other`);
  }
  const resume = path.replace(/(.)\/+$/, "$1"), config = await readRunConfig(resume);
  expectSameRun(OPTIONS, given, config, resume);
  return { ...resolveOptions(OPTIONS, given, withoutGivenLength(config, given)), resume };
}

async function printRecipe({ recipe }: TrainValues, given: GivenOptions): Promise<void> {
  if (recipe === undefined) throw new UsageError("--print-recipe: expected --recipe too");
  const values = resolveOptions(OPTIONS, given) as Readonly<Record<string, RecipeValue["value"]>>;
  const changed = Object.keys(given).map((name) => [name, values[name]]);
  console.log(formatRecipe(await openRecipe(recipe, OPTIONS), Object.fromEntries(changed)));
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
}
