/** Weights of classes, as the command line is given them. */

import { customField, DataError, parseJson, showText, UsageError } from "../../core/mod.ts";
import { expectContent, MOST_BYTES, readIfThere } from "../../files/mod.ts";
import { parseNumber } from "./parse_options.ts";

const FILE = customField(
  "a list of weights, or an object of weights by names of classes",
  (value) => typeof value === "object" && value !== null,
);

/**
 * The weights that `--class-weights` means.
 *
 * @param given `balanced`, numbers with commas between, or a file of JSON: a list, or an object by names of classes.
 * @param classes The names of the classes.
 * @throws {UsageError} If it is numbers, but not one above 0 for each class.
 * @throws {DataError} If it is a file that cannot be read, or does not hold a number above 0 for each class.
 */
export async function readClassWeights(
  given: string,
  classes: readonly string[],
): Promise<"balanced" | readonly number[]> {
  if (given === "balanced") return given;
  const list = given.split(",").map(parseNumber);
  if (list.every(Number.isFinite)) return expectAll(given, list, classes, UsageError);
  let content: unknown;
  try {
    const bytes = await readIfThere(given, { what: "the weights of classes", most: MOST_BYTES.text });
    if (bytes === undefined) throw wrong(given, "there is no such file");
    content = parseJson(bytes, given);
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(given, `the file is not JSON: ${showText(error.message)}`);
    throw error;
  }
  expectContent(given, content, FILE, "give each class a weight above 0");
  if (Array.isArray(content)) return expectAll(given, content, classes);
  const named = new Map(Object.entries(content as Readonly<Record<string, unknown>>)),
    unknown = [...named.keys()].find((key) => !classes.includes(key));
  if (unknown !== undefined) throw wrong(given, `there is no class ${showText(unknown)}`);
  const missing = classes.find((name) => !named.has(name));
  if (missing !== undefined) throw wrong(given, `there is none for class ${showText(missing)}`);
  return expectAll(given, classes.map((name) => named.get(name)), classes);
}

function expectAll(
  given: string,
  list: readonly unknown[],
  classes: readonly string[],
  kind: typeof DataError | typeof UsageError = DataError,
): readonly number[] {
  if (list.length !== classes.length) {
    throw wrong(given, `there are ${list.length} for ${classes.length} classes`, kind);
  }
  list.forEach((weight, k) => {
    if (typeof weight === "number" && weight > 0 && weight < Infinity) return;
    throw wrong(given, `that of class ${showText(classes[k])} is ${showText(JSON.stringify(weight))}`, kind);
  });
  return list as number[];
}

function wrong(given: string, cause: string, kind: typeof DataError | typeof UsageError = DataError): Error {
  return new kind(
    `--class-weights ${given}: expected balanced, or a weight above 0 for each class, as numbers with commas between or ` +
      `as a file of JSON, but ${cause}`,
  );
}
