/** `deno task train`: trains a classifier and leaves a run folder. */

import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { modelByName, type SequentialModel } from "../../models/mod.ts";
import { type Checkpoint, describedModel, mismatchedHead, type ModelDescription } from "../../weights/mod.ts";
import { fit, frozenNames, parameterNames, type ResumableCheckpoint, RunFolder } from "../../train/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { readCheckpoint } from "../files/read_checkpoint.ts";
import { DiskStore } from "../files/run_store.ts";
import { chooseAugmentation, openData } from "../options/image_options.ts";
import { ImageCaches } from "../images/image_caches.ts";
import { Interrupt } from "../interrupt.ts";
import type { GivenOptions } from "../options/option.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { formatProfile, profileJson } from "../reports/profile_report.ts";
import { EpochTable } from "../reports/epoch_table.ts";
import { printText, widthOf } from "../reports/layout.ts";
import { ProgressLine } from "../reports/progress.ts";
import { formatRecipe, openRecipe, type RecipeValue, recipeValues } from "../options/recipes.ts";
import { expectNoStart, expectSameRun, keptOptions, readRunConfig, withoutReplaced } from "../options/resume.ts";
import { RunEvents } from "../tensorboard/run_events.ts";
import { RunPlots } from "../plots/run_plots.ts";
import { RunTuning } from "../tuning/run_tuning.ts";
import { describeWork, openChosenBackend } from "../options/shared_options.ts";
import { modelOptions, TRAIN_OPTIONS, trainingOptions, type TrainValues } from "../options/train_options.ts";
import {
  accumulateText,
  beginText,
  epochJson,
  foreignText,
  memoryText,
  resumeText,
  stoppedText,
} from "../reports/train_report.ts";
import { checkTune } from "../tuning/tune_option.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { VERSION } from "../version.ts";

/** Batch size of the built-in set, which is small. */
const SHAPES_BATCH = 32;

/** The trace of --profile in the run folder. */
const PROFILE_FILE = "profile.json";

/** `deno task train`. */
export const trainCommand = defineCommand({
  name: "train",
  about: "Train a residual network on images.",
  options: TRAIN_OPTIONS,
  examples: [
    ["", "a ResNet-20 on the built-in shapes"],
    ["--data cifar-10-batches-bin --epochs 20", "CIFAR-10, as unpacked from its binary archive"],
    ["--data photos --model resnet18 --augment vgg", "photographs in photos/train/CLASS and photos/val/CLASS"],
    ["--recipe he2015-cifar --data cifar-10-batches-bin", "as He et al. trained on CIFAR-10"],
    ["--init resnet18.pth --model resnet18 --freeze 'conv1.*,bn1.*,layer*' --lr 0.01", "a new head on given weights"],
    ["--model resnet56 --profile", "and where the time of a step goes"],
    ["--resume runs/first", "go on with a run that was stopped, to the bit"],
  ],
}, train);

async function train(written: TrainValues, { given }: GivenArguments): Promise<void> {
  if (written["print-recipe"]) return await printRecipe(written, given);
  const values = await resolveValues(written, given), { resume } = values;
  // Refuses a name that no model has before images are opened.
  modelByName(values.model);
  rejectUnusedOptions(TRAIN_OPTIONS, values, given);
  if (resume === undefined) checkTune(values.tune);
  const work = await openWork(values);
  const readInit = () => values.init === undefined ? undefined : readCheckpoint(values.init);
  const start = resume === undefined ? await readInit() : undefined;
  const location = resume ?? values.out ?? `runs/${timestamp()}`;
  // An error so far leaves no folder behind.
  await using store = await DiskStore.lock(location);
  const folder = new RunFolder(store), checkpoint = await folder.resume();
  if (checkpoint !== undefined && resume === undefined) {
    throw new UsageError(
      `${location} holds a run already; go on with it by --resume, or choose another folder with --out`,
    );
  }
  const initial = checkpoint ?? start ?? await readInit();
  await trainIn({ location, store, folder, checkpoint, initial }, work, values);
}

/** What is trained, and on what. */
interface Work {
  readonly set: ImageSet;
  readonly batch: number;
  readonly model: SequentialModel;
  readonly description: ModelDescription;
  /** The patterns of frozen parameters. */
  readonly freeze: readonly string[];
  /** How many parameters there are, and how many are frozen. */
  readonly parameters: { readonly all: number; readonly frozen: number };
}

/** Where a run is kept, and from where it goes on. */
interface Run {
  readonly location: string;
  readonly store: DiskStore;
  readonly folder: RunFolder;
  readonly checkpoint?: ResumableCheckpoint;
  /** The weights to start from: the checkpoint's, or those of --init. */
  readonly initial?: Checkpoint & { readonly source: string };
}

async function openWork(values: TrainValues): Promise<Work> {
  const set = await openData(values, { name: values.model }, undefined, new ImageCaches(values["cache-images"]));
  const description = {
    name: values.model,
    classes: set.classes.length,
    inputShape: set.shape,
    ...modelOptions(values),
  };
  const model = describedModel(description), names = parameterNames(model);
  const freeze = values.freeze?.split(",") ?? [];
  return {
    set,
    batch: values.batch ?? (values.data === "shapes" ? SHAPES_BATCH : 128),
    model,
    description,
    freeze,
    parameters: { all: names.length, frozen: frozenNames(freeze, names).length },
  };
}

/** Trains, and says how it goes. */
async function trainIn(run: Run, work: Work, values: TrainValues): Promise<void> {
  const { location, store, folder, checkpoint, initial } = run;
  const { model, description, set, batch, freeze, parameters } = work, { json, accumulate } = values;
  const line = new ProgressLine(values.progress && !json), events = new RunEvents(store);
  using interrupt = new Interrupt(() => {
    line.clear();
    console.error("Finishing the step and saving; interrupt again to leave at once.");
  });
  const say = (text: string) => {
    if (!json) printText(text);
  };
  const { augmentation, normalisation } = await chooseAugmentation(
    values,
    set,
    initial?.info?.normalisation,
    (done, total) => line.progress({ activity: "statistics", done, total }),
  );
  const foreign = checkpoint === undefined && initial !== undefined
    ? mismatchedHead(model, initial.tensors)
    : undefined;
  const stepsPerEpoch = Math.max(1, Math.floor(set.train.count / batch));
  const epochs = values.steps === undefined ? values.epochs : Math.max(1, Math.ceil(values.steps / stepsPerEpoch));
  const table = new EpochTable(epochs);
  const backend = await openChosenBackend(values);
  try {
    say(beginText(model.name, set, describeWork(backend, values), freeze, parameters));
    if (checkpoint?.damage !== undefined) {
      console.error(`warning: ${checkpoint.damage}; went back to the one before it`);
    }
    if (values.resume !== undefined) say(resumeText(checkpoint, location));
    if (foreign !== undefined) say(foreignText(foreign, model.classes));
    const report = { progress: values.progress && !json, signal: interrupt.signal };
    const tuning = await RunTuning.open(values.tune, backend, store, report);
    const { stopped, steps, last } = await fit({
      model,
      description,
      backend,
      set,
      epochs,
      batch,
      freeze,
      augmentation,
      normalisation,
      ...trainingOptions(values, stepsPerEpoch),
      tune: tuning.options,
      initial: initial && { ...initial, keep: foreign?.names },
      progress: checkpoint?.info.progress,
      folder,
      signal: interrupt.signal,
      profile: values.profile
        ? {
          onProfile: async (profile) => {
            await store.write(PROFILE_FILE, new TextEncoder().encode(profileJson(profile)));
            line.clear();
            if (!json) {
              console.log(`\n${formatProfile(profile, undefined, Deno.stdout.isTerminal() ? widthOf() : undefined)}\n`);
            }
            say(`${location}/${PROFILE_FILE} opens in https://ui.perfetto.dev\n`);
          },
        }
        : undefined,
      callbacks: [new RunPlots(store, folder, `${model.name} on ${set.name}`, set.classes), events],
      onStart: async ({ parts, memory }) => {
        if (parts > 1) say(accumulateText(parts, batch, accumulate !== undefined));
        say(memoryText(memory));
        await tuning.save(store);
        await folder.writeConfig({
          ...keptOptions(TRAIN_OPTIONS, values),
          batch,
          accumulate: parts,
          out: location,
          version: VERSION,
          deno: Deno.version.deno,
          adapter: backend.description,
        });
      },
      onStep: (event) => line.update(event),
      onProgress: (event) => line.progress(event),
      onEpoch: (event) => {
        line.clear();
        console.log(json ? epochJson(event) : table.line(event, widthOf()));
      },
    });
    line.clear();
    await events.flush();
    if (stopped) return console.log(stoppedText(steps, location, json));
    if (last === undefined) return say(`The run is at its end, ${steps} steps; give --epochs or --steps to go on.`);
    say(`The run is in ${location}: curves.svg, confusion.svg, metrics.jsonl, best.safetensors, last.safetensors`);
  } finally {
    line.clear();
    backend.destroy();
  }
}

/** The values of the run: those given, those of the run that goes on or of the recipe, the defaults. */
async function resolveValues(values: TrainValues, given: GivenOptions): Promise<TrainValues> {
  const { resume: path } = values;
  if (path === undefined) {
    if (values.recipe === undefined) return values;
    const base = recipeValues(await openRecipe(values.recipe, TRAIN_OPTIONS));
    return resolveOptions(TRAIN_OPTIONS, given, withoutReplaced(TRAIN_OPTIONS, base, given));
  }
  expectNoStart(TRAIN_OPTIONS, given);
  const resume = path.replace(/(.)\/+$/, "$1"), config = await readRunConfig(resume);
  expectSameRun(TRAIN_OPTIONS, given, config, resume);
  return { ...resolveOptions(TRAIN_OPTIONS, given, withoutReplaced(TRAIN_OPTIONS, config, given)), resume };
}

async function printRecipe({ recipe }: TrainValues, given: GivenOptions): Promise<void> {
  if (recipe === undefined) throw new UsageError("--print-recipe: expected --recipe too");
  const values = resolveOptions(TRAIN_OPTIONS, given) as Readonly<Record<string, RecipeValue["value"]>>;
  const changed = Object.keys(given).map((name) => [name, values[name]]);
  console.log(formatRecipe(await openRecipe(recipe, TRAIN_OPTIONS), TRAIN_OPTIONS, Object.fromEntries(changed)));
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
}
