/** What a resumed run is: that of its `config.json`, in which few options may change, as their declarations tell. */

import { DataError, parseJson, UsageError } from "../../core/mod.ts";
import { MOST_BYTES, readIfThere } from "../files/read_file.ts";
import type { GivenOptions, OptionTable } from "./option.ts";
import { resolveOptions } from "./parse_options.ts";

/** The values that a run was started with, by option. */
export type RunConfig = Readonly<Record<string, unknown>>;

/**
 * Reads a run's `config.json`.
 *
 * @throws {DataError} If there is none, or it is no object of JSON.
 */
export async function readRunConfig(run: string): Promise<RunConfig> {
  const path = `${run}/config.json`;
  const bytes = await readIfThere(path, { most: MOST_BYTES.text });
  if (bytes === undefined) {
    throw new DataError(`${path}: the file cannot be read, so there is no run to go on with; check --resume`);
  }
  try {
    const config: unknown = parseJson(bytes, path);
    if (typeof config === "object" && config !== null) return config as RunConfig;
  } catch (error) {
    if (error instanceof DataError) throw error;
    // What it says instead does not matter.
  }
  throw new DataError(`${path}: expected an object of JSON; the file is damaged`);
}

/** The options that `config.json` keeps. */
export function keptOptions(table: OptionTable, values: RunConfig): RunConfig {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !table[name].ofOneInvocation));
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
