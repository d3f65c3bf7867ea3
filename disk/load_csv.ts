/** Loads csv-parse with the first table that is read: nothing else needs it. */

import { DataError } from "../core/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";

/** What is used of csv-parse. */
export type Csv = typeof import("./csv.ts");

/** No literal where it is imported: Deno would fetch the package for every command, before any of them runs. */
const CSV = "./csv.ts";

/**
 * The package.
 *
 * @throws {DataError} If it cannot be had.
 */
export async function loadCsv(): Promise<Csv> {
  try {
    return await import(CSV) as Csv;
  } catch (error) {
    throw new DataError(`Tables of images cannot be read: ${whyNotLoaded(error)}`);
  }
}
