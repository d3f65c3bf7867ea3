/** The runs of a sweep: each combination of the values, or as many as are drawn. */

import { Random } from "../../core/mod.ts";
import type { OptionTable } from "../options/option.ts";
import type { Interval, Sweep, SweepValue } from "./sweep_file.ts";

/** A run of a sweep. */
export interface Trial {
  /** Its folder's name. */
  readonly name: string;
  /** The values that differ from run to run. */
  readonly values: Readonly<Record<string, SweepValue>>;
}

/** Digits that a drawn number has: more tell nothing. */
const DIGITS = 3;

/** The runs of a sweep, the same each time. */
export function trialsOf({ vary, runs, seed = 0 }: Sweep, table: OptionTable): Trial[] {
  const all = runs === undefined ? combinations(vary) : Array.from({ length: runs }, (_, run) => {
    const random = new Random(seed, "sweep", [run, 0]);
    return Object.fromEntries(
      Object.entries(vary).map(([name, values]) => [
        name,
        isList(values) ? values[random.integer(values.length)] : draw(values, random, table[name].kind === "integer"),
      ]),
    );
  });
  const width = Math.max(3, `${all.length}`.length);
  return all.map((values, k) => ({ name: `${k + 1}`.padStart(width, "0"), values }));
}

function isList(values: Sweep["vary"][string]): values is readonly SweepValue[] {
  return Array.isArray(values);
}

function draw({ min, max, scale = "linear" }: Interval, random: Random, whole: boolean): number {
  const value = scale === "log" ? Math.exp(random.uniform(Math.log(min), Math.log(max))) : random.uniform(min, max);
  const rounded = whole ? Math.round(value) : Number(value.toPrecision(DIGITS));
  return Math.min(max, Math.max(min, rounded));
}

/** The last option changes the fastest. */
function combinations(vary: Sweep["vary"]): Record<string, SweepValue>[] {
  return Object.entries(vary).reduce<Record<string, SweepValue>[]>(
    (all, [name, values]) =>
      all.flatMap((each) => (values as readonly SweepValue[]).map((value) => ({ ...each, [name]: value }))),
    [{}],
  );
}

/** The arguments of `train` that set some options. */
export function argumentsOf(values: Readonly<Record<string, SweepValue>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return [`--${name}=${value}`];
  });
}
