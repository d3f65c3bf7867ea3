/** What options hold where they are read from a file of JSON, and how a message says it. */

import { customField, type FieldCheck } from "../../core/mod.ts";
import type { Option } from "./option.ts";

/** What an option takes, in words: "a whole number of at least 1". */
export function expectation(
  { kind, choices, words = [], minimum = -Infinity, above = -Infinity, maximum = Infinity, below = Infinity }: Option,
): string {
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  if (kind === "flag") return "true or false";
  if (kind === "text") return "a text";
  const least = above > -Infinity ? ` above ${above}` : minimum === -Infinity ? "" : ` of at least ${minimum}`,
    range = maximum === Infinity ? least : ` from ${minimum} to ${maximum}`,
    limit = below === Infinity ? "" : ` and below ${below}`;
  if (kind === "numbers") return `numbers${range} with commas between`;
  return [`${kind === "integer" ? "a whole number" : "a number"}${range}${limit}`, ...words].join(" or ");
}

/** Whether an option takes a number. */
export function takesNumber(
  { kind, minimum = -Infinity, above = -Infinity, maximum = Infinity, below = Infinity }: Option,
  value: unknown,
): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= minimum && value > above && value <= maximum &&
    value < below && (kind !== "integer" || Number.isSafeInteger(value));
}

/** An option without its words: where a number must stand, such as what was found. */
export function withoutWords(option: Option): Option {
  return { ...option, words: undefined };
}

/** The check of an option's value in JSON: numbers are numbers there, and flags are true or false. */
export function optionField(option: Option): FieldCheck {
  const { kind, choices, words = [] } = option;
  const isText = (value: unknown) => typeof value === "string" && value !== "";
  const isRight = (value: unknown): boolean => {
    if (kind === "flag") return typeof value === "boolean";
    if (choices !== undefined) return isText(value) && choices.includes(value as string);
    if (kind === "text") return isText(value);
    if (takesNumber(option, value) || (isText(value) && words.includes(value as string))) return true;
    // As on the command line, or as a list.
    return kind === "numbers" &&
      (isText(value) || (Array.isArray(value) && value.every(takesNumber.bind(null, option))));
  };
  return customField(expectation(option), isRight);
}
