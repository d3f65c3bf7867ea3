/** Paths as people write them: with slashes, and on Windows with backslashes as well. */

import { posix, win32 } from "node:path";
import process from "node:process";

const ON_WINDOWS = process.platform === "win32";

/** The folder that a path is in, and its name there. */
export function splitPath(
  path: string,
  windows: boolean = ON_WINDOWS,
): { readonly folder: string; readonly name: string } {
  const { dirname, basename } = windows ? win32 : posix;
  return { folder: dirname(path), name: basename(path) };
}

/** Whether a path ends as only a folder's does. */
export function endsInSeparator(path: string, windows: boolean = ON_WINDOWS): boolean {
  return (windows ? /[\\/]$/ : /\/$/).test(path);
}

/** A path without separators at its end, but for that of a disk's root. */
export function withoutSeparators(path: string, windows: boolean = ON_WINDOWS): string {
  if (windows && /^[a-z]:[\\/]+$/i.test(path)) return path.slice(0, 3);
  return path.replace(windows ? /(.)[\\/]+$/ : /(.)\/+$/, "$1");
}
