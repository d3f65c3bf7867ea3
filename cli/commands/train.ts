/** `deno task train`: trains a classifier and leaves a run folder. */

import { printable, UsageError } from "../../core/mod.ts";
import { fit } from "../../train/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { isFirst, withRanks } from "../mpi/ranks.ts";
import { openRanksBackend } from "../mpi/ranks_backend.ts";
import { chooseHeadEpochs } from "../options/fine_tuning.ts";
import type { GivenOptions } from "../options/option.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { formatRecipe, openRecipe, type RecipeValue } from "../options/recipes.ts";
import { describeWork } from "../options/shared_options.ts";
import { TRAIN_OPTIONS, type TrainValues } from "../options/train_options.ts";
import { printLines } from "../reports/layout.ts";
import { stoppedTestText } from "../reports/train_report.ts";
import { openRun, type Run } from "../training/open_run.ts";
import { type AskedRun, resolveRun } from "../training/resolve_run.ts";
import { keepStart } from "../training/run_config.ts";
import { profilingOf, RunPictures } from "../training/run_pictures.ts";
import { runSoFar } from "../training/run_so_far.ts";
import { sayEnd } from "../training/say_end.ts";
import { SaidEpochs } from "../training/say_epochs.ts";
import { sayStart } from "../training/say_start.ts";
import { openStart, startedOptions } from "../training/start.ts";
import { StopAfter } from "../training/stop_after.ts";
import { RunTerminal } from "../training/terminal.ts";
import { withFoundRate } from "../training/test_rates.ts";
import { openWork, type Work } from "../training/work.ts";
import { RunTuning } from "../tuning/run_tuning.ts";

const HELP = {
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
} as const;

/** `deno task train`. */
export const trainCommand = defineCommand(HELP, (values, args) => train(values, args, true));

/** The same for one run of many: it advises nothing to do next. */
export const trainOneOfMany = defineCommand(HELP, (values, args) => train(values, args, false));

async function train(written: TrainValues, { given }: GivenArguments, advises: boolean): Promise<void> {
  if (written["print-recipe"]) return await printRecipe(written, given);
  const { distributed, "stall-timeout": stallTimeout } = written;
  await withRanks(distributed, { given, stallTimeout }, async (ranks) => {
    const asked = await resolveRun(ranks, written, given), work = await openWork(asked, ranks);
    await using run = await openRun(work);
    await trainRun(run, asked, work, advises);
  });
}

/** Trains, and says how it goes. */
async function trainRun(run: Run, asked: AskedRun, opened: Work, advises: boolean): Promise<void> {
  const { set, ranks } = opened, { location, folder, store, checkpoint } = run, first = isFirst(ranks);
  using terminal = new RunTerminal(opened.values, { location, ranks, classes: set.classes.length });
  const start = await openStart(
    opened,
    run.initial,
    checkpoint !== undefined,
    (done, total) => terminal.line.onProgress({ activity: "statistics", done, total }),
  );
  using backend = await openRanksBackend(ranks, opened.values);
  const headEpochs = chooseHeadEpochs(opened.values, start.head?.change === "new");
  const beginning = { asked, run, start, backend, headEpochs };
  await sayStart(terminal, { ...beginning, work: opened });
  const work = asked.values.lr === "auto" ? await withFoundRate(opened, start, backend, terminal) : opened;
  if (work === undefined) return terminal.print(stoppedTestText(opened.values.json), printLines);
  const { values, stepsPerEpoch } = work, { signal, showsProgress: progress } = terminal;
  const tuning = await RunTuning.open(values.tune, backend, store, { progress, signal });
  await terminal.show(async () => ({
    title: `${start.model.name} on ${printable(set.name)}`,
    work: describeWork(backend, values),
    epochs: values.epochs,
    stepsPerEpoch,
    ...await runSoFar(run),
  }));
  const pictures = new RunPictures(run, `${start.model.name} on ${set.name}`, set.classes);
  const said = new SaidEpochs(terminal, work), kept = keepStart({ ...beginning, work }, tuning);
  const stop = new StopAfter(values["stop-after"], values.epochs);
  const result = await fit({
    ...startedOptions(work, start, backend),
    collective: ranks,
    headEpochs,
    tune: tuning.options,
    progress: checkpoint?.info.progress,
    folder,
    signal: AbortSignal.any([signal, stop.signal]),
    profile: values.profile ? profilingOf(run, terminal, values.json) : undefined,
    callbacks: first
      // Those that print, in the order in which it is read.
      ? [terminal.line, ...pictures.listeners, said, terminal.warnings, kept, stop]
      : [stop],
  });
  terminal.line.clear();
  if (!first) return;
  await pictures.finish();
  await sayEnd(terminal, { run, work, plots: pictures.files, advises }, result);
}

async function printRecipe({ recipe }: TrainValues, given: GivenOptions): Promise<void> {
  if (recipe === undefined) throw new UsageError("--print-recipe: expected --recipe too");
  const values = resolveOptions(TRAIN_OPTIONS, given) as Readonly<Record<string, RecipeValue["value"]>>;
  const changed = Object.keys(given).map((name) => [name, values[name]]);
  console.log(formatRecipe(await openRecipe(recipe, TRAIN_OPTIONS), TRAIN_OPTIONS, Object.fromEntries(changed)));
}
