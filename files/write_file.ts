/** Writes what a command makes. */

import fs from "node:fs/promises";
import { DataError } from "../core/mod.ts";
import { DiskStore } from "./run_store.ts";

/** Writes a file as a whole or not at all, and makes its folder where it is missing. */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = await fs.stat(path).then((found) => found.isDirectory(), () => path.endsWith("/"));
  if (folder) throw new DataError(`${path}: expected the name of a file to write, but this is a folder`);
  const cut = path.lastIndexOf("/");
  const store = await DiskStore.open(cut < 0 ? "." : path.slice(0, cut) || "/", "the folder");
  await store.write(path.slice(cut + 1), bytes);
}
