/** What a resumed run is: that of its `config.json`, in which few options may change, as their declarations tell. */

import { DataError, objectField, optionalField, showText, UsageError } from "../../core/mod.ts";
import type { ResumableCheckpoint } from "../../train/mod.ts";
import { expectContent, readJsonIfThere } from "../../files/mod.ts";
import type { GivenOptions, Option, OptionTable } from "./option.ts";
import { optionField, withoutWords } from "./option_field.ts";
import { resolveOptions } from "./parse_options.ts";

/** The values that a run was started with, by option. */
export type RunConfig = Readonly<Record<string, unknown>>;

/** What a run computes follows from these: where one is missing, its default would be another run. */
const ALWAYS = ["model", "data", "batch", "epochs", "lr", "seed", "schedule", "optimizer", "weight-decay", "augment"];

const REMEDY = "the file was changed or is damaged; put back what it said, or start a new run";

/**
 * Reads a run's `config.json`.
 *
 * @throws {DataError} If there is none, or it is no object of JSON.
 */
export async function readRunConfig(run: string): Promise<RunConfig> {
  const path = `${run}/config.json`;
  const kind = { what: "the run's configuration", check: objectField({}), remedy: REMEDY };
  const config = await readJsonIfThere<RunConfig>(path, kind);
  if (config !== undefined) return config;
  throw new DataError(`${path}: the file cannot be read, so there is no run to go on with; check --resume`);
}

/**
 * Checks that a run's `config.json` says what the run was started with.
 *
 * @returns The options that it does not say, of a run from before there were any: these have their defaults.
 * @throws {DataError} If it lacks what no run can do without, or something is not what its option takes.
 */
export function expectRunOptions(table: OptionTable, config: RunConfig, run: string): string[] {
  const kept = Object.entries(table).filter(([, { ofOneInvocation }]) => !ofOneInvocation);
  const entries = kept.map(([name, option]) => {
    // What was found is kept as the number that it is.
    const field = optionField(withoutWords(option));
    return [name, ALWAYS.includes(name) ? field : optionalField(field)];
  });
  expectContent(`${run}/config.json`, config, objectField(Object.fromEntries(entries)), REMEDY);
  const computes = ({ mayChangeOnResume, ofOneRun }: Option) => !mayChangeOnResume && !ofOneRun;
  return kept.filter(([name, option]) =>
    option.default !== undefined && computes(option) && !Object.hasOwn(config, name)
  )
    .map(([name]) => name);
}

/**
 * Checks that a checkpoint is of the network that the run's `config.json` names.
 *
 * @throws {DataError} If it is of another.
 */
export function expectSameModel(model: string, checkpoint: ResumableCheckpoint, run: string): void {
  const own = checkpoint.info.model.name;
  if (own === model) return;
  throw new DataError(
    `${run}/config.json: model is ${showText(model)}, but ${checkpoint.source} is of ${showText(own)}; ${REMEDY}`,
  );
}

/** The options that `config.json` keeps, and a run that goes on takes from it. */
export function keptOptions(table: OptionTable, values: RunConfig): RunConfig {
  const kept = (name: string) => Object.hasOwn(table, name) && !table[name].ofOneInvocation;
  return Object.fromEntries(Object.entries(values).filter(([name]) => kept(name)));
}

/**
 * Checks that no option given with `--resume` says how a run starts.
 *
 * @throws {UsageError} If one does.
 */
export function expectNoStart(table: OptionTable, given: GivenOptions): void {
  const starting = Object.keys(given).find((name) => table[name].startsRun);
  if (starting !== undefined) throw new UsageError(`--${starting} and --resume exclude each other`);
}

/**
 * Checks that the options given with `--resume` change nothing that a run computes.
 *
 * @throws {UsageError} If they do: which, and what the run has.
 */
export function expectSameRun(table: OptionTable, given: GivenOptions, config: RunConfig, run: string): void {
  const now = resolveOptions(table, given) as RunConfig, then = resolveOptions(table, {}, config) as RunConfig;
  const changed = Object.keys(given).filter((name) => {
    const { mayChangeOnResume = false, ofOneInvocation = false } = table[name];
    return !mayChangeOnResume && !ofOneInvocation && String(now[name]) !== String(then[name]);
  });
  if (changed.length === 0) return;
  const list = changed.map((name) => `--${name} was ${then[name] ?? "not given"} and is ${now[name]} now`).join(", ");
  throw new UsageError(`The run in ${run} cannot change: ${list}; leave these options away, or start a new run`);
}

/** The values on which given options build: those of a run or a recipe, without what given options replace. */
export function withoutReplaced(table: OptionTable, base: RunConfig, given: GivenOptions): RunConfig {
  const replaced = Object.keys(given).flatMap((name) => table[name].replaces ?? []);
  return Object.fromEntries(Object.entries(base).filter(([name]) => !replaced.includes(name)));
}
