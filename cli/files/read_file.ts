/** Reads a file that a command is given. */

import { explain } from "./disk_error.ts";

/**
 * The bytes of a file.
 *
 * @param path The file.
 * @param what What it is, for messages. Defaults to "the file".
 * @throws {DataError} If it cannot be read: why.
 */
export async function readFile(path: string, what = "the file"): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw explain(what, path, error);
  }
}
