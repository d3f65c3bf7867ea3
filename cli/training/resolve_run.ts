/** What a run is asked to be: the options that are given, those of the run that goes on or of the recipe, and the defaults. */

import { modelByName } from "../../models/mod.ts";
import { withoutSeparators } from "../../files/mod.ts";
import { onFirst, type Ranks } from "../mpi/ranks.ts";
import { resumedBatch } from "../options/distributed_options.ts";
import { withPublishedModel } from "../options/fine_tuning.ts";
import type { GivenOptions } from "../options/option.ts";
import { withOptimizerDefaults } from "../options/optimizer_options.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { openRecipe, recipeValues } from "../options/recipes.ts";
import {
  expectNoStart,
  expectRunOptions,
  expectSameRun,
  keptOptions,
  readRunConfig,
  type RunConfig,
  withoutReplaced,
} from "../options/resume.ts";
import { TRAIN_OPTIONS, type TrainValues } from "../options/train_options.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { printNotice } from "../reports/layout.ts";
import { checkTune } from "../tuning/tune_option.ts";

/** What a run is asked to be. */
export interface AskedRun {
  readonly values: TrainValues;
  /** The names of the options that are no defaults. */
  readonly decided: ReadonlySet<string>;
  /** The names of those of the command line, when the run was begun and since. */
  readonly given: readonly string[];
  /** What to say of how a run goes on. */
  readonly note?: string;
}

/** The same before it is checked, as the first rank tells it to the others. */
interface Resolved extends Omit<AskedRun, "decided"> {
  readonly decided: readonly string[];
}

/**
 * Finds what a run is asked to be, before anything is opened.
 *
 * @param written The values of the options as they are written, with the defaults.
 * @param given The options that are given.
 * @throws {UsageError} If options contradict each other, or change what a run computes that goes on.
 * @throws {DataError} If the recipe or the configuration of the run that goes on cannot be read.
 */
export async function resolveRun(ranks: Ranks, written: TrainValues, given: GivenOptions): Promise<AskedRun> {
  const { values: resolved, decided, ...asked } = await onFirst(ranks, () => resolve(written, given, ranks?.size));
  const values = completeValues(resolved, given);
  if (values.resume === undefined) checkTune(values.tune);
  return { ...asked, values, decided: new Set(decided) };
}

/**
 * The values with those that others decide: the optimiser, published weights.
 *
 * @throws {UsageError} If no model has the name, or options contradict each other.
 */
export function completeValues(resolved: TrainValues, given: GivenOptions): TrainValues {
  const values = withPublishedModel(withOptimizerDefaults(resolved), given);
  // Refuses a name that no model has before images are opened.
  modelByName(values.model);
  rejectUnusedOptions(TRAIN_OPTIONS, values, given);
  return values;
}

async function resolve(written: TrainValues, given: GivenOptions, ranks = 1): Promise<Resolved> {
  if (written.resume !== undefined) return await resolveResumed(withoutSeparators(written.resume), given, ranks);
  const { recipe } = written, base = recipe === undefined ? {} : recipeValues(await openRecipe(recipe, TRAIN_OPTIONS));
  return {
    values: resolveOptions(TRAIN_OPTIONS, given, withoutReplaced(TRAIN_OPTIONS, base, given)),
    decided: [...Object.keys(given), ...Object.keys(base)],
    given: Object.keys(given),
  };
}

async function resolveResumed(resume: string, given: GivenOptions, ranks: number): Promise<Resolved> {
  expectNoStart(TRAIN_OPTIONS, given);
  const config = await readRunConfig(resume), missing = expectRunOptions(TRAIN_OPTIONS, config, resume);
  if (missing.length > 0) {
    const list = missing.map((name) => `--${name}`).join(", ");
    printNotice(`note: ${resume}/config.json does not say ${list}, so the defaults are taken`);
  }
  expectSameRun(TRAIN_OPTIONS, given, config, resume);
  const base = withoutReplaced(TRAIN_OPTIONS, keptOptions(TRAIN_OPTIONS, config), given);
  const { note, ...divided } = resumedBatch(config, ranks) ?? {};
  return {
    values: { ...resolveOptions(TRAIN_OPTIONS, given, base), ...divided, resume },
    decided: Object.keys(TRAIN_OPTIONS),
    given: [...new Set([...givenBefore(config), ...Object.keys(given)])].filter((name) => name !== "resume"),
    note,
  };
}

/** The options that the command line gave the run so far; a run of a version before does not say it. */
function givenBefore({ given }: RunConfig): string[] {
  return Array.isArray(given) ? given.filter((name) => Object.hasOwn(TRAIN_OPTIONS, name)) : [];
}
