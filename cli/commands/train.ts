/** `deno task train`: trains a classifier and leaves a run folder. */

import { printable, UsageError, VERSION } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { modelByName, type SequentialModel } from "../../models/mod.ts";
import { alignHead, type Checkpoint, describedModel, type ModelDescription } from "../../weights/mod.ts";
import {
  findRate,
  fit,
  frozenNames,
  parameterNames,
  type ResumableCheckpoint,
  RunFolder as Folder,
} from "../../train/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { RunFolder } from "../../disk/mod.ts";
import { NO_FILES } from "../mpi/no_files.ts";
import { isFirst, onFirst, type Ranks, sharedCheckpoint, withRanks } from "../mpi/ranks.ts";
import { describeRanks, openRanksBackend } from "../mpi/ranks_backend.ts";
import { expectEnough, resumedBatch } from "../options/distributed_options.ts";
import { withoutSeparators } from "../../files/mod.ts";
import { chooseValues, type ChosenValues } from "../options/chosen_values.ts";
import {
  chooseHeadEpochs,
  expectChannels,
  isPublished,
  startedDescription,
  withPublishedModel,
} from "../options/fine_tuning.ts";
import { chooseAugmentation, openData } from "../options/image_options.ts";
import { readClassWeights } from "../options/class_weights.ts";
import { ImageCaches } from "../../images/mod.ts";
import { readCheckpoint } from "../weights/read_checkpoint.ts";
import { Interrupt } from "../interrupt.ts";
import { StopRequests } from "../stop_request.ts";
import { withOptimizerDefaults } from "../options/optimizer_options.ts";
import type { GivenOptions } from "../options/option.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { formatProfile, profileJson } from "../reports/profile_report.ts";
import { EpochTable } from "../reports/epoch_table.ts";
import { printLines, printNotice, printText, widthOf } from "../reports/layout.ts";
import { ProgressLine } from "../reports/progress.ts";
import { StopKey } from "../live/stop_key.ts";
import { LiveView } from "../live/view.ts";
import { formatRecipe, openRecipe, type RecipeValue, recipeValues } from "../options/recipes.ts";
import {
  expectNoStart,
  expectRunOptions,
  expectSameModel,
  expectSameRun,
  keptOptions,
  readRunConfig,
  withoutReplaced,
} from "../options/resume.ts";
import { RunDistributions, RunEvents, RunPlots } from "../../plots/mod.ts";
import { RunTuning } from "../tuning/run_tuning.ts";
import { describeWork } from "../options/shared_options.ts";
import { modelOptions, TRAIN_OPTIONS, trainingOptions, type TrainValues } from "../options/train_options.ts";
import {
  accumulateText,
  beginText,
  earlyStopText,
  epochJson,
  fineTuningText,
  foundRateText,
  headText,
  memoryText,
  resumeText,
  stoppedText,
  waitingText,
} from "../reports/train_report.ts";
import { bestText, confusedText, nextText } from "../reports/run_summary.ts";
import { TrainWarnings } from "../reports/train_warnings.ts";
import { checkTune } from "../tuning/tune_option.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";

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
    ["--train-list train.csv --data photos", "photographs in photos whose paths and classes are in a table"],
    ["--recipe he2015-cifar --data cifar-10-batches-bin", "as He et al. trained on CIFAR-10"],
    ["--init imagenet --model resnet50 --data photos", "fine-tune torchvision's weights: a new head first, then all"],
    ["--init resnet18.pth --model resnet18 --freeze 'conv1.*,bn1.*,layer*' --lr 0.01", "a new head on given weights"],
    ["--model resnet56 --profile", "and where the time of a step goes"],
    ["--resume runs/first", "go on with a run that was stopped, to the bit"],
    ["--distributed --sync-bn --data photos", "on all processes that mpirun or srun started: docs/scaling.md"],
  ],
}, train);

async function train(written: TrainValues, { given }: GivenArguments): Promise<void> {
  if (written["print-recipe"]) return await printRecipe(written, given);
  const { distributed, "stall-timeout": stallTimeout } = written;
  await withRanks(distributed, { given, stallTimeout }, (ranks) => trainOn(ranks, written, given));
}

async function trainOn(ranks: Ranks, written: TrainValues, given: GivenOptions): Promise<void> {
  const resolved = await onFirst(ranks, () => resolveValues(written, given, ranks?.size)),
    decided = new Set(resolved.decided);
  const values = withPublishedModel(withOptimizerDefaults(resolved.values), given), { resume } = values;
  // Refuses a name that no model has before images are opened.
  modelByName(values.model);
  if (values["find-lr"] && resolved.decided.includes("lr")) {
    throw new UsageError(`--find-lr and --lr ${values.lr} exclude each other`);
  }
  rejectUnusedOptions(TRAIN_OPTIONS, values, given);
  if (resume === undefined) checkTune(values.tune);
  const work = await openWork(values, decided, ranks);
  const readInit = async () => {
    if (values.init === undefined) return undefined;
    const init = await readCheckpoint(values.init, { model: work.model, progress: values.progress && !values.json });
    expectChannels(init, work.set);
    return init;
  };
  const start = resume === undefined ? await sharedCheckpoint(ranks, readInit) : undefined;
  const location = resume ?? values.out ?? `runs/${timestamp()}`;
  // An error so far leaves no folder behind.
  await using folder = isFirst(ranks) ? new RunFolder(location) : undefined;
  const checkpoint = await sharedCheckpoint(ranks, async () => await folder?.resume());
  if (checkpoint !== undefined && resume === undefined) {
    throw new UsageError(
      `${location} holds a run already; go on with it by --resume, or choose another folder with --out`,
    );
  }
  if (checkpoint !== undefined) expectSameModel(values.model, checkpoint, location);
  const initial = checkpoint ?? start ?? await sharedCheckpoint(ranks, readInit);
  await trainIn({ location, folder, checkpoint, initial, given: resolved.given, note: resolved.note }, work);
}

/** What is trained, and on what. */
export interface Work {
  readonly set: ImageSet;
  readonly values: ChosenValues;
  /** What to say of values that were chosen. */
  readonly chosen: string;
  readonly model: SequentialModel;
  readonly description: ModelDescription;
  /** The patterns of frozen parameters. */
  readonly freeze: readonly string[];
  /** The processes that train together. */
  readonly ranks: Ranks;
  /** The weights of classes. */
  readonly classWeights?: "balanced" | readonly number[];
  /** How many parameters there are, how many are frozen, and whether running statistics are with them. */
  readonly parameters: { readonly all: number; readonly frozen: number; readonly statistics: boolean };
}

/** Where a run is kept, and from where it goes on. */
interface Run {
  readonly location: string;
  /** Where its files go; the first rank has it. */
  readonly folder?: RunFolder;
  readonly checkpoint?: ResumableCheckpoint;
  /** The names of the options that the command line gave it, now and before. */
  readonly given: readonly string[];
  /** The weights to start from: the checkpoint's, or those of --init. */
  readonly initial?: Checkpoint & { readonly source: string };
  /** What to say of how it goes on. */
  readonly note?: string;
}

/** Opens the images, chooses what is left open, and makes the model. */
export async function openWork(asked: TrainValues, decided: ReadonlySet<string>, ranks?: Ranks): Promise<Work> {
  const data = { ...asked, isQuiet: !isFirst(ranks) }, caches = new ImageCaches(asked["cache-images"]);
  const found = await openData(data, { name: asked.model }, undefined, caches);
  const { set, values, text } = await chooseValues(asked, decided, found, ranks?.size);
  expectEnough(set.train.count, values.batch, ranks);
  const description = {
    name: values.model,
    classes: set.classes.length,
    inputShape: set.shape,
    ...modelOptions(values),
  };
  const model = describedModel(description), names = parameterNames(model);
  const freeze = values.freeze?.split(",") ?? [], given = values["class-weights"];
  return {
    set,
    values,
    ranks,
    chosen: text,
    model,
    description,
    freeze,
    classWeights: given === undefined ? undefined : await readClassWeights(given, set.classes),
    parameters: {
      all: names.length,
      frozen: frozenNames(freeze, names).length,
      statistics: values["freeze-stats"],
    },
  };
}

/** Trains, and says how it goes. */
async function trainIn(run: Run, work: Work): Promise<void> {
  const { location, folder, checkpoint, initial } = run, store = folder?.store ?? NO_FILES;
  const { set, ranks, freeze, classWeights, parameters } = work, first = isFirst(ranks);
  let { values } = work;
  const description = startedDescription(work.description, initial), model = describedModel(description);
  const { json, accumulate, batch, epochs } = values, progress = values.progress && !json && first;
  const isLive = progress && !values.plain && Deno.stderr.isTerminal();
  using line = isLive ? new LiveView() : new ProgressLine(progress, () => ranks?.waitingShare);
  const events = new RunEvents(store);
  const plots = new RunPlots(store, folder ?? new Folder(store), `${model.name} on ${set.name}`, set.classes);
  using interrupt = new Interrupt(() => {
    line.clear();
    if (first) printNotice("Finishing the step and saving; interrupt again to leave at once.");
  });
  using _ = first ? new StopRequests(location, () => interrupt.stop()) : undefined;
  const warnings = new TrainWarnings(set.classes.length, (text) => {
    line.clear();
    if (first) printNotice(`warning: ${text}`);
  });
  const pause = new AbortController();
  using key = isLive ? new StopKey(() => interrupt.stop()) : undefined;
  const say = (text: string) => {
    if (json || !first) return;
    line.clear();
    printText(text);
  };
  const { augmentation, normalisation } = await chooseAugmentation(
    values,
    set,
    initial?.info?.normalisation,
    (done, total) => line.onProgress({ activity: "statistics", done, total }),
  );
  const head = checkpoint === undefined && initial !== undefined ? alignHead(model, initial, set.classes) : undefined;
  const { size = 1 } = ranks ?? {}, all = batch * size, stepsPerEpoch = Math.max(1, Math.floor(set.train.count / all));
  const headEpochs = chooseHeadEpochs(values, head?.change === "new"), table = new EpochTable(epochs);
  const backend = await openRanksBackend(ranks, values);
  try {
    if (ranks !== undefined) say(await describeRanks(ranks, backend, values));
    const where = describeWork(backend, values) + (ranks === undefined ? "" : ", on each rank");
    say(beginText(model.name, set, where, freeze, parameters));
    if (work.chosen !== "") say(work.chosen);
    if (checkpoint?.damage !== undefined && first) {
      printNotice(`warning: ${checkpoint.damage}; went back to the one before it`);
    }
    if (values.resume !== undefined) say(resumeText(checkpoint, location));
    if (run.note !== undefined && checkpoint !== undefined) say(run.note);
    if (head !== undefined && head.change !== "kept") say(headText(head, model.classes));
    const published = isPublished(values) ? initial?.source : undefined;
    const tuned = fineTuningText(published, values.lr, headEpochs, freeze.length > 0);
    if (checkpoint === undefined && tuned !== undefined) say(tuned);
    if (values["find-lr"]) {
      const { suggested, points } = await findRate({
        model,
        backend,
        set,
        batch,
        augmentation,
        normalisation,
        ...trainingOptions(values, stepsPerEpoch),
        classWeights,
        initial: initial && { ...initial, ...head },
        signal: interrupt.signal,
        callbacks: line instanceof LiveView ? [] : [line],
      });
      // Two digits: a test tells no more.
      values = { ...values, lr: suggested === undefined ? values.lr : Number(suggested.toPrecision(2)) };
      say(foundRateText(values.lr, suggested !== undefined, points.length));
    }
    const report = { progress, signal: interrupt.signal };
    const tuning = await RunTuning.open(values.tune, backend, store, report);
    if (line instanceof LiveView) {
      line.describe({
        title: `${model.name} on ${printable(set.name)}`,
        work: describeWork(backend, values),
        epochs,
        stepsPerEpoch,
        lines: checkpoint === undefined ? [] : await folder?.readMetrics() ?? [],
        hearsKey: key?.isHeard ?? false,
        signal: interrupt.signal,
      });
    }
    const { stopped, steps, last, stoppedEarly, staleEpochs } = await fit({
      model,
      description,
      backend,
      collective: ranks,
      set,
      epochs,
      batch: all,
      classWeights,
      augmentation,
      normalisation,
      ...trainingOptions(values, stepsPerEpoch),
      headEpochs,
      tune: tuning.options,
      initial: initial && { ...initial, ...head },
      progress: checkpoint?.info.progress,
      folder,
      signal: AbortSignal.any([interrupt.signal, pause.signal]),
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
      callbacks: first ? [line, plots, events, new RunDistributions(store)] : [],
      onStart: async (event) => {
        const { parts, memory } = event;
        if (parts > 1) say(accumulateText(parts, batch, accumulate !== undefined));
        say(memoryText(memory));
        warnings.onStart(event);
        await tuning.save(store);
        await folder?.writeConfig({
          ...keptOptions(TRAIN_OPTIONS, values),
          batch,
          ranks: ranks?.size,
          "head-epochs": headEpochs,
          accumulate: parts,
          // Numbers, so that a run goes on with its own whatever becomes of a file.
          "class-weights": classWeights?.toString(),
          out: location,
          given: run.given,
          version: VERSION,
          deno: Deno.version.deno,
          adapter: backend.description,
        });
      },
      onStep: (event) => warnings.onStep(event),
      onEpoch: (event) => {
        line.clear();
        if (first) console.log(json ? epochJson(event) : table.line(event, widthOf()));
        warnings.onEpoch(event);
        if (event.epoch + 1 >= (values["stop-after"] ?? Infinity) && event.epoch + 1 < epochs) pause.abort();
      },
    });
    line.clear();
    if (!first) return;
    await events.flush();
    if (ranks !== undefined) say(waitingText(ranks.waitingShare));
    if (stopped) return printLines(stoppedText(steps, location, json));
    if (stoppedEarly) printLines(earlyStopText(staleEpochs, steps / stepsPerEpoch, json));
    else if (last === undefined) {
      return say(`The run is at its end, ${steps} steps; give --epochs or --steps to go on.`);
    }
    const answers = await folder?.readValidation().catch(() => undefined);
    const kept = answers === undefined ? [] : ["validation.json"];
    const files = [...plots.files, "metrics.jsonl", "best.safetensors", "last.safetensors", ...kept];
    if (answers !== undefined) say([bestText(answers, epochs), confusedText(answers) ?? []].flat().join("\n"));
    say(`The run is in ${location}: ${files.join(", ")}`);
    if (!json) printLines(nextText(location));
  } finally {
    backend.destroy();
  }
}

/** What {@link resolveValues} finds. */
interface Resolved {
  readonly values: TrainValues;
  /** The names of those that are no defaults. */
  readonly decided: readonly string[];
  /** The names of those of the command line, when the run was begun and since. */
  readonly given: readonly string[];
  /** What to say of how a run goes on. */
  readonly note?: string;
}

/** The values of the run: those given, those of the run that goes on or of the recipe, the defaults. */
async function resolveValues(values: TrainValues, given: GivenOptions, ranks = 1): Promise<Resolved> {
  const { resume: path } = values;
  if (path === undefined) {
    const base = values.recipe === undefined ? {} : recipeValues(await openRecipe(values.recipe, TRAIN_OPTIONS));
    return {
      values: resolveOptions(TRAIN_OPTIONS, given, withoutReplaced(TRAIN_OPTIONS, base, given)),
      decided: [...Object.keys(given), ...Object.keys(base)],
      given: Object.keys(given),
    };
  }
  expectNoStart(TRAIN_OPTIONS, given);
  const resume = withoutSeparators(path), config = await readRunConfig(resume);
  const missing = expectRunOptions(TRAIN_OPTIONS, config, resume);
  if (missing.length > 0) {
    const list = missing.map((name) => `--${name}`).join(", ");
    printNotice(`note: ${resume}/config.json does not say ${list}, so the defaults are taken`);
  }
  expectSameRun(TRAIN_OPTIONS, given, config, resume);
  const base = withoutReplaced(TRAIN_OPTIONS, keptOptions(TRAIN_OPTIONS, config), given);
  const kept = resolveOptions(TRAIN_OPTIONS, given, base);
  const before = Array.isArray(config.given) ? config.given.filter((name) => Object.hasOwn(TRAIN_OPTIONS, name)) : [];
  const { note, ...divided } = resumedBatch(config, ranks) ?? {};
  return {
    values: { ...kept, ...divided, resume },
    decided: Object.keys(TRAIN_OPTIONS),
    given: [...new Set([...before, ...Object.keys(given)])].filter((name) => name !== "resume"),
    note,
  };
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
