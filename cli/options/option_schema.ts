/** What options hold where they are read from a file of JSON, and how a message says it. */

import * as v from "valibot";
import type { Option } from "./option.ts";

/** What an option takes, in words: "a whole number of at least 1". */
export function expectation(
  { kind, choices, minimum = -Infinity, maximum = Infinity, below = Infinity }: Option,
): string {
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  if (kind === "flag") return "true or false";
  if (kind === "text") return "a text";
  const least = minimum === -Infinity ? "" : ` of at least ${minimum}`,
    range = maximum === Infinity ? least : ` from ${minimum} to ${maximum}`,
    limit = below === Infinity ? "" : ` and below ${below}`;
  if (kind === "numbers") return `numbers${range} with commas between`;
  return `${kind === "integer" ? "a whole number" : "a number"}${range}${limit}`;
}

/** Whether an option takes a number. */
export function takesNumber(
  { kind, minimum = -Infinity, maximum = Infinity, below = Infinity }: Option,
  value: unknown,
): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= minimum && value <= maximum && value < below &&
    (kind !== "integer" || Number.isSafeInteger(value));
}

/** A schema of an option's value in JSON: numbers are numbers there, and flags are true or false. */
export function optionSchema(option: Option): v.GenericSchema {
  const { kind, choices } = option, expected = expectation(option);
  if (kind === "flag") return v.boolean(expected);
  if (choices !== undefined) return v.picklist(choices, expected);
  if (kind === "text") return v.pipe(v.string(expected), v.nonEmpty(expected));
  const number = v.custom((value) => takesNumber(option, value), expected);
  if (kind !== "numbers") return number;
  // As on the command line, or as a list.
  return v.union([v.array(number), number, v.pipe(v.string(), v.nonEmpty())], expected);
}
