/** Which folders below one are runs: those with a `config.json` and a `metrics.jsonl`. Links out of it are not followed. */

import { DataError } from "../../core/mod.ts";
import { explain } from "../../files/mod.ts";

/** The files that make a folder a run. */
export const CONFIG = "config.json", METRICS = "metrics.jsonl";

/** How deep runs may lie, and how many folders are looked into at most: a folder of photos is none of runs. */
const DEEPEST = 8, MOST_FOLDERS = 20_000;

/** What was found. */
export interface FoundRuns {
  /** The paths of runs below the folder, with slashes, sorted; "." is the folder itself. */
  readonly runs: readonly string[];
  /** Whether some of the tree was left out, since it has too many folders. */
  readonly cut: boolean;
}

/**
 * Finds the runs in a folder and in those below it.
 *
 * @param root The folder, as the system names it (`realPath`).
 * @throws {DataError} If it cannot be read.
 */
export async function findRuns(root: string): Promise<FoundRuns> {
  const runs: string[] = [];
  let folders = 0;
  const visit = async (path: string, depth: number): Promise<void> => {
    if (++folders > MOST_FOLDERS) return;
    const names: string[] = [], below: string[] = [];
    try {
      for await (
        const { name, isFile, isDirectory, isSymlink } of Deno.readDir(path === "." ? root : `${root}/${path}`)
      ) {
        // A link to a file is looked at when it is read; one to a folder would give a run two names, or lead elsewhere.
        if (isFile || isSymlink) names.push(name);
        else if (isDirectory && !name.startsWith(".") && name !== "node_modules") below.push(name);
      }
    } catch (error) {
      if (path === ".") throw explain("the folder of runs", root, error);
      // Others may be closed to us, or gone by now.
      return;
    }
    if (names.includes(CONFIG) && names.includes(METRICS)) runs.push(path);
    if (depth === DEEPEST) return;
    for (const name of below) await visit(path === "." ? name : `${path}/${name}`, depth + 1);
  };
  await visit(".", 0);
  return { runs: runs.sort(), cut: folders > MOST_FOLDERS };
}

/**
 * The folder of runs as the system names it, links followed.
 *
 * @throws {DataError} If there is none.
 */
export async function openRoot(folder: string): Promise<string> {
  let root: string;
  try {
    root = await Deno.realPath(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`${folder}: there is no such folder; name the one that runs are in, or train first`);
    }
    throw explain("the folder of runs", folder, error);
  }
  if ((await Deno.stat(root)).isDirectory) return root;
  throw new DataError(`${folder}: expected a folder of runs, but this is a file; name the folder that it is in`);
}

/**
 * The path of a run's file, if it is there and lies below the folder of runs, wherever links lead.
 *
 * @param root The folder of runs, as the system names it.
 * @param run The run's path in it.
 * @param name The file's name.
 */
export async function runFile(root: string, run: string, name: string): Promise<string | undefined> {
  const path = await Deno.realPath(`${root}/${run}/${name}`).catch(() => undefined);
  if (path === undefined || !isBelow(path, root)) return undefined;
  return (await Deno.stat(path).catch(() => undefined))?.isFile ? path : undefined;
}

function isBelow(path: string, root: string): boolean {
  return path.startsWith(root) && (/[\\/]$/.test(root) || /^[\\/]/.test(path.slice(root.length)));
}
