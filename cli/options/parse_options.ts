/** Command-line arguments to the values of options. */

import { parseArgs } from "@std/cli/parse-args";
import { didYouMean, UsageError } from "../../core/mod.ts";
import type { GivenOptions, Option, OptionTable, Values } from "./option.ts";
import { expectation, takesNumber } from "./option_field.ts";

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
 * The one thing that stands beside the options of a command.
 *
 * @param expected What is expected, as a message begins with it: "Expected one folder".
 * @param remedy What ends the message. Defaults to nothing.
 * @throws {UsageError} If there is none, or there are several.
 */
export function onePositional(positionals: readonly string[], expected: string, remedy = ""): string {
  if (positionals.length === 1) return positionals[0];
  throw new UsageError(`${expected} but ${positionals.length || "none"} came${remedy}`);
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
  for (const argument of parsed._) positionals.push(String(argument));
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

/** A number as people write it: hexadecimal digits and the like are slips. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a text writes; NaN if it writes none. */
export function parseNumber(text: string): number {
  return DECIMAL.test(text.trim()) ? Number(text) : NaN;
}

function convert(name: string, option: Option, given: string | number | boolean): unknown {
  const { kind, choices, words = [] } = option;
  if (kind === "flag") return given === true;
  const text = String(given);
  const fail = (): never => {
    const expected = kind === "text" && choices === undefined ? "a value" : expectation(option);
    throw new UsageError(`--${name}: expected ${expected} but ${text === "" ? "no value came" : `"${text}" came`}`);
  };
  if (choices !== undefined && !choices.includes(text)) fail();
  if (kind === "text") return text === "" ? fail() : text;
  if (words.includes(text)) return text;
  const values = (kind === "numbers" ? text.split(",") : [text]).map(parseNumber);
  if (!values.every((value) => takesNumber(option, value))) fail();
  return kind === "numbers" ? values : values[0];
}
