/** Copies of the repository, as a clone has its files. */

import { LAYERS } from "./_imports.ts";

/** The folders of sources. */
export const FOLDERS: readonly string[] = [...LAYERS, "bench", "examples", "tools", "tests"];
const FILES = ["mod.ts", "deno.json", "deno.offline.json", "deno.lock", "deno.offline.lock"];
/** The repository. */
export const root: URL = new URL("..", import.meta.url);

/** The paths of all files below a folder, without what was installed or is no source. */
export async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${name}`;
    if (!isDirectory) yield path;
    else if (name !== "node_modules" && name !== "golden" && !name.startsWith(".")) yield* filesIn(path);
  }
}

/** Copies all files of some folders, and those beside them. */
export async function copyClone(target: string, folders: readonly string[] = FOLDERS): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  for (const file of FILES) await Deno.copyFile(new URL(file, root), `${target}/${file}`);
  for (const folder of folders) {
    for await (const path of filesIn(folder)) {
      await Deno.mkdir(`${target}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.copyFile(new URL(path, root), `${target}/${path}`);
    }
  }
}
