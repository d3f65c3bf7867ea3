/** What a resumed run is: that of its `config.json`, in which few options may change. */

import { DataError, UsageError } from "../../core/mod.ts";
import { type GivenOptions, type OptionTable, resolveOptions } from "./options.ts";

/** Options that say how far, where and how visibly a run goes, and not what it computes. */
const MAY_CHANGE: ReadonlySet<string> = new Set([
  "resume",
  "epochs",
  "steps",
  "data",
  "backend",
  "threads",
  "memory",
  "recompute",
  "workers",
  "max-bad",
  "checkpoint-minutes",
  "checkpoint-steps",
  "keep",
  "profile",
  "progress",
  "json",
]);

/** The values that a run was started with, by option. */
export type RunConfig = Readonly<Record<string, unknown>>;

/**
 * Reads a run's `config.json`.
 *
 * @throws {DataError} If there is none, or it is no object of JSON.
 */
export async function readRunConfig(run: string): Promise<RunConfig> {
  const path = `${run}/config.json`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    throw new DataError(`${path}: the file cannot be read, so there is no run to go on with; check --resume`);
  }
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === "object" && config !== null) return config as RunConfig;
  } catch {
    // What it says instead does not matter.
  }
  throw new DataError(`${path}: expected an object of JSON; the file is damaged`);
}

/**
 * Checks that the options given with `--resume` change nothing that a run computes.
 *
 * @throws {UsageError} If they do: which, and what the run has.
 */
export function expectSameRun(table: OptionTable, given: GivenOptions, config: RunConfig, run: string): void {
  const now = resolveOptions(table, given) as RunConfig, then = resolveOptions(table, {}, config) as RunConfig;
  const changed = Object.keys(given).filter((name) =>
    !MAY_CHANGE.has(name) && String(now[name]) !== String(then[name])
  );
  if (changed.length === 0) return;
  const list = changed.map((name) => `--${name} was ${then[name] ?? "not given"} and is ${now[name]} now`).join(", ");
  throw new UsageError(`The run in ${run} cannot change: ${list}; leave these options away, or start a new run`);
}

/** The values on which given options build: those of a run or a recipe, without the length that they give anew. */
export function withoutGivenLength(base: RunConfig, given: GivenOptions): RunConfig {
  const { epochs, steps, ...rest } = base;
  return "epochs" in given || "steps" in given ? rest : { epochs, steps, ...rest };
}
