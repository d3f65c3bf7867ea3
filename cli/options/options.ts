/** Command-line options from a table: parsing, checking and help come from the same declaration. */

import { parseArgs } from "@std/cli/parse-args";
import { didYouMean, UsageError } from "../../core/mod.ts";

/** Judges the values that hold: nothing where they are right, else what is not, for a message. */
export type Condition = (values: Readonly<Record<string, unknown>>) => string | undefined;

/** An option of a command: all that is to be known of it but what is done with its value. */
export interface Option {
  /** What it takes: `integer` and `number` are checked, `flag` takes nothing and can be negated by `--no-`. */
  readonly kind: "text" | "integer" | "number" | "numbers" | "flag";
  /** What help calls the value. */
  readonly value?: string;
  /** What it is for. */
  readonly about: string;
  /** What holds where it is not given. */
  readonly default?: string | number | boolean;
  /** The values that it may have. */
  readonly choices?: readonly string[];
  /** The least value. */
  readonly minimum?: number;
  /** What the value must stay below. */
  readonly below?: number;
  /** When it has an effect; the message says why it has none. Defaults to always. */
  readonly heededBy?: Condition;
  /** Finds values of other options that its value excludes; the message names both. Defaults to none. */
  readonly contradicts?: Condition;
  /** The options whose values in a recipe or a resumed run do not hold where this one is given. */
  readonly replaces?: readonly string[];
  /**
   * Whether a resumed run may have another value: one that says how far, where or how visibly the run goes, and not what it
   * computes. Defaults to no, which is safe.
   */
  readonly mayChangeOnResume?: boolean;
  /** Whether it says how a run starts, so that it cannot be given with --resume. Defaults to no. */
  readonly startsRun?: boolean;
  /** Whether it belongs to one run, so that no recipe sets it. Defaults to no. */
  readonly ofOneRun?: boolean;
  /** Whether it belongs to one invocation, so that `config.json` lacks it and a resumed run has its own. Defaults to no. */
  readonly ofOneInvocation?: boolean;
}

/** A command's options by name. */
export type OptionTable = Readonly<Record<string, Option>>;

type OptionValue<O extends Option> = O["kind"] extends "flag" ? boolean
  : O["kind"] extends "integer" | "number" ? number
  : O["kind"] extends "numbers" ? readonly number[]
  : string;

/** The values that a table of options gives: those with a default are always there. */
export type Values<T extends OptionTable> =
  & { readonly [K in keyof T as T[K] extends { default: unknown } ? K : never]: OptionValue<T[K]> }
  & { readonly [K in keyof T as T[K] extends { default: unknown } ? never : K]?: OptionValue<T[K]> };

/** What a command takes beside its options. */
export interface Positionals {
  /** What help calls them. */
  readonly value: string;
  /** What they are. */
  readonly about: string;
}

/** A command as help shows it. */
export interface CommandHelp {
  /** Its name. */
  readonly name: string;
  /** What it does, in a line. */
  readonly about: string;
  /** What it takes beside its options; nothing unless given. */
  readonly positionals?: Positionals;
  /** Its options. */
  readonly options: OptionTable;
  /** Arguments with what they do. */
  readonly examples: readonly (readonly [string, string])[];
}

/** The options that arguments give, by name, as they were written. */
export type GivenOptions = Readonly<Record<string, string | boolean>>;

/**
 * Parses the arguments of a command that takes options only.
 *
 * @throws {UsageError} If an option is unknown or a value is not what it takes.
 */
export function parseOptions<T extends OptionTable>(command: string, table: T, args: readonly string[]): Values<T> {
  const { values, positionals } = parseArguments(command, table, args);
  refusePositionals(command, positionals);
  return values;
}

/** Refuses what is no option, for a command that takes options only. */
export function refusePositionals(command: string, [first]: readonly string[]): void {
  if (first === undefined) return;
  throw new UsageError(`Unexpected argument "${first}"; ${command} takes options only, see --help`);
}

/**
 * Parses a command's arguments: options, and what stands between them, in any order. What follows `--` is no option.
 *
 * @returns The values of all options, those options that are given, and what stands between them.
 * @throws {UsageError} If an option is unknown or a value is not what it takes.
 */
export function parseArguments<T extends OptionTable>(
  command: string,
  table: T,
  args: readonly string[],
): { readonly values: Values<T>; readonly given: GivenOptions; readonly positionals: readonly string[] } {
  const flags = Object.keys(table).filter((name) => table[name].kind === "flag");
  const valued = Object.keys(table).filter((name) => table[name].kind !== "flag");
  const positionals: string[] = [];
  const parsed = parseArgs([...args], {
    string: valued,
    boolean: flags,
    negatable: flags,
    unknown: (argument: string, key?: string) => {
      if (key !== undefined && argument.startsWith("-")) refuse(command, table, key);
      positionals.push(argument);
      return false;
    },
  });
  positionals.push(...parsed._.map(String));
  const given: Record<string, string | boolean> = {};
  for (const [name, option] of Object.entries(table)) {
    const present = option.kind === "flag"
      ? args.some((argument) =>
        argument === `--${name}` || argument === `--no-${name}` || argument.startsWith(`--${name}=`)
      )
      : parsed[name] !== undefined;
    if (present) given[name] = parsed[name] as string | boolean;
  }
  return { values: resolveOptions(table, given), given, positionals };
}

/**
 * The values of a table's options: those that are given, else those of `base`, else the defaults.
 *
 * @param base Values of some options, as another run or a recipe has them; names that the table lacks are left out.
 * @throws {UsageError} If a value is not what its option takes.
 */
export function resolveOptions<T extends OptionTable>(
  table: T,
  given: GivenOptions,
  base: Readonly<Record<string, unknown>> = {},
): Values<T> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const value = given[name] ?? base[name] ?? option.default;
    if (value !== undefined) values[name] = convert(name, option, value as string | number | boolean);
  }
  return values as Values<T>;
}

function refuse(command: string, table: OptionTable, key: string): never {
  const names = Object.entries(table).flatMap(([name, { kind }]) => kind === "flag" ? [name, `no-${name}`] : [name]);
  throw new UsageError(`Unknown option --${key}${didYouMean(key, names, "--")} See ${command} --help`);
}

function convert(name: string, option: Option, given: string | number | boolean): unknown {
  const { kind, choices, minimum = -Infinity, below = Infinity } = option;
  if (kind === "flag") return given === true;
  const text = String(given);
  const fail = (expected: string): never => {
    throw new UsageError(`--${name}: expected ${expected} but ${text === "" ? "no value came" : `"${text}" came`}`);
  };
  if (choices !== undefined && !choices.includes(text)) fail(`one of ${choices.join(", ")}`);
  if (kind === "text") return text === "" ? fail("a value") : text;
  const least = minimum === -Infinity ? "" : ` of at least ${minimum}`;
  if (kind === "numbers") {
    const list = text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
    return list.some((value) => !Number.isFinite(value) || value < minimum)
      ? fail(`numbers${least} with commas between`)
      : list;
  }
  const value = text.trim() === "" ? NaN : Number(text);
  if (
    !Number.isFinite(value) || value < minimum || value >= below || (kind === "integer" && !Number.isSafeInteger(value))
  ) {
    fail(
      `${kind === "integer" ? "a whole number" : "a number"}${least}${below === Infinity ? "" : ` and below ${below}`}`,
    );
  }
  return value;
}

/** The text of `--help`. */
export function formatHelp({ name, about, positionals, options, examples }: CommandHelp): string {
  const rows = Object.entries(options).map(([option, { kind, value, about, default: standard, choices }]) => {
    const takes = kind === "flag" ? "" : ` ${value ?? (choices === undefined ? "N" : choices.join("|"))}`;
    const head = `--${kind === "flag" && standard === true ? `[no-]${option}` : option}${takes}`;
    return [head, `${about}${standard === undefined || kind === "flag" ? "" : ` [${standard}]`}`] as const;
  });
  if (positionals !== undefined) rows.unshift([positionals.value, positionals.about]);
  const width = Math.min(34, Math.max(...rows.map(([head]) => head.length)));
  return [
    `deno task ${name} [options]${positionals === undefined ? "" : ` ${positionals.value}`}`,
    "",
    about,
    ...(rows.length === 0 ? [] : [""]),
    ...rows.map(([head, text]) =>
      head.length > width ? `  ${head}\n  ${" ".repeat(width)}  ${text}` : `  ${head.padEnd(width)}  ${text}`
    ),
    "",
    "Examples:",
    ...examples.map(([args, text]) => `  deno task ${name}${args === "" ? "" : ` ${args}`}\n      ${text}`),
  ].join("\n");
}
