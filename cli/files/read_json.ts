/** Reads JSON of a bounded size and depth. */

import { DataError } from "../../core/mod.ts";
import { readText } from "./read_file.ts";

/** Nothing that is read here is nested deeper than a few levels; what walks over values needs stack for each. */
const MOST_DEPTH = 64;

/**
 * The content of a file of JSON.
 *
 * @param path The file.
 * @param what What it is, for messages. Defaults to "the file".
 * @throws {SyntaxError} If it is no JSON.
 * @throws {DataError} If it cannot be read, is too large or nested too deep.
 */
export async function readJson(path: string, what?: string): Promise<unknown> {
  return parseJson(await readText(path, what), path);
}

/**
 * The value of a text of JSON.
 *
 * @param source The file, for messages.
 * @throws {SyntaxError} If it is no JSON.
 * @throws {DataError} If it is nested too deep.
 */
export function parseJson(text: string, source: string): unknown {
  let depth = 0, quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (quoted) at += character === "\\" ? 1 : 0;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (depth > MOST_DEPTH) {
      throw new DataError(`${source}: expected JSON of at most ${MOST_DEPTH} levels but it is nested deeper`);
    }
  }
  return JSON.parse(text);
}
