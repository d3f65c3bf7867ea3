/** Writes what a command makes. */

import fs from "node:fs/promises";
import { DataError } from "../core/mod.ts";
import { endsInSeparator, splitPath } from "./paths.ts";
import { DiskStore } from "./run_store.ts";

/** Writes a file as a whole or not at all, and makes its folder where it is missing. */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = await fs.stat(path).then((found) => found.isDirectory(), () => endsInSeparator(path));
  if (folder) throw new DataError(`${path}: expected the name of a file to write, but this is a folder`);
  const { folder: parent, name } = splitPath(path), store = await DiskStore.open(parent, "the folder");
  await store.write(name, bytes);
}
