/** What a sweep tries, as a file of JSON says it. */

import {
  countField,
  customField,
  type FieldCheck,
  nearestName,
  numberField,
  objectField,
  optionalField,
  showText,
  UsageError,
} from "../../core/mod.ts";
import { expectContent, readJson } from "../../files/mod.ts";
import { optionField, withoutWords } from "../options/option_field.ts";
import type { Option, OptionTable } from "../options/option.ts";

/** A value of an option. */
export type SweepValue = string | number | boolean;

/** Numbers between two, evenly, or evenly in their logarithms. */
export interface Interval {
  /** The least. */
  readonly min: number;
  /** The greatest. */
  readonly max: number;
  /** Defaults to linear. */
  readonly scale?: "linear" | "log";
}

/** A sweep. */
export interface Sweep {
  /** What all runs have, by option. */
  readonly options: Readonly<Record<string, SweepValue>>;
  /** What differs, by option: values, of which each is tried, or an interval. */
  readonly vary: Readonly<Record<string, readonly SweepValue[] | Interval>>;
  /** Runs at random. Defaults to none: each combination of the values is a run. */
  readonly runs?: number;
  /** The seed of what is drawn. Defaults to 0. */
  readonly seed?: number;
  /** Whether runs that lag are given up on the way. Defaults to none. */
  readonly halving?: Halving;
}

/** Successive halving (Jamieson and Talwalkar 2016). */
export interface Halving {
  /** The epochs after which the first are given up. */
  readonly epochs: number;
  /** The share that goes on, and by which its epochs grow. Defaults to a half. */
  readonly keep?: number;
}

const REMEDY = "correct it; docs/sweeps.md has an example";

const isScalar = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
const scalarField = customField("a text, a number, true or false", isScalar);

const intervalField: FieldCheck = (value, name) =>
  objectField({
    min: numberField,
    max: numberField,
    scale: optionalField(customField("linear or log", (scale) => scale === "linear" || scale === "log")),
  })(value, name) ?? intervalFault(value as Interval, name);

function intervalFault({ min, max, scale }: Interval, name: string): string | undefined {
  if (!(min < max)) return `${name}.max is ${max}, expected more than ${name}.min, ${min}`;
  return scale === "log" && min <= 0
    ? `${name}.min is ${min}, expected a number above 0 for a scale of log`
    : undefined;
}

const CONTENT = objectField({
  options: optionalField(objectField({})),
  vary: objectField({}),
  runs: optionalField(countField(1)),
  seed: optionalField(countField()),
  halving: optionalField(objectField({
    epochs: countField(1),
    keep: optionalField(customField("a number above 0 and below 1", (keep) => Number(keep) > 0 && Number(keep) < 1)),
  })),
});

/**
 * Reads a sweep.
 *
 * @param path The file.
 * @param table The options of `train`.
 * @throws {DataError} If it is no sweep.
 * @throws {UsageError} If it sets an option that there is not, or that belongs to one run.
 */
export async function readSweep(path: string, table: OptionTable): Promise<Sweep> {
  const kind = { what: "the sweep", check: CONTENT, remedy: REMEDY };
  const { options = {}, ...sweep } = await readJson<Partial<Sweep> & Omit<Sweep, "options">>(path, kind);
  for (const [name, value] of Object.entries(options)) {
    expectContent(path, value, optionField(optionOf(path, table, name)), REMEDY, `options.${name}`);
  }
  for (const [name, values] of Object.entries(sweep.vary)) {
    const option = optionOf(path, table, name), within = `vary.${name}`;
    if (Object.hasOwn(options, name)) {
      throw new UsageError(`${path}: options and vary both set ${name}; leave one away`);
    }
    expectContent(path, values, valuesField(option), REMEDY, within);
    if (!Array.isArray(values) && sweep.runs === undefined) {
      throw new UsageError(`${path}: ${within} is an interval, from which runs draw; say how many with "runs"`);
    }
  }
  if (Object.keys(sweep.vary).length === 0) {
    throw new UsageError(`${path}: vary is empty; expected an option and its values, such as "lr": [0.1, 0.03]`);
  }
  return { ...sweep, options };
}

function optionOf(path: string, table: OptionTable, name: string): Option {
  const option = Object.hasOwn(table, name) ? table[name] : undefined;
  if (option !== undefined && !option.ofOneRun && !option.ofOneInvocation) return option;
  const near = option === undefined ? nearestName(name, Object.keys(table)) : undefined;
  throw new UsageError(
    `${path}: a sweep cannot set ${showText(name)}${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

function valuesField(option: Option): FieldCheck {
  const one = optionField(option);
  return (value, name) => {
    if (Array.isArray(value)) {
      if (value.length === 0) return `${name} is empty, expected a value at least`;
      for (const [k, each] of value.entries()) {
        const fault = scalarField(each, `${name}[${k}]`) ?? one(each, `${name}[${k}]`);
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    if (option.kind !== "number" && option.kind !== "integer") {
      return customField("a list of values", () => false)(value, name);
    }
    const fault = intervalField(value, name);
    if (fault !== undefined) return fault;
    const { min, max } = value as Interval, number = optionField(withoutWords(option));
    return number(min, `${name}.min`) ?? number(max, `${name}.max`);
  };
}
