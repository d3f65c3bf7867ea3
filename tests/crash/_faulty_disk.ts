/** The disk under the command line, on which a process dies, or which is full, at one of the calls that change something. */

import fs from "node:fs/promises";
import { Killed } from "./_faulty_store.ts";

/**
 * What happens at the call: the process is dead and has no effect any more (`killed`), or half of what is written reaches the
 * file first (`torn`); or there is no room from then on (`full`).
 */
export const DISK_FAULTS = ["killed", "torn", "full"] as const;

/** One of {@link DISK_FAULTS}. */
export type DiskFault = (typeof DISK_FAULTS)[number];

type Call = (...args: unknown[]) => Promise<unknown>;

/** The calls that take room, which a full disk refuses. */
const TAKE_ROOM = ["open", "link", "copyFile", "mkdir", "write"];

/** The object that all open files have their methods of. */
async function fileMethods(): Promise<object> {
  const file = await fs.open(new URL(import.meta.url));
  await file.close();
  return Object.getPrototypeOf(file);
}

/**
 * Does something while one call on files under a folder goes wrong, and those after it.
 *
 * @param root The folder.
 * @param at The number of the call, from 1.
 * @param fault What happens there.
 * @returns The number of calls, and what was done.
 */
export async function withFaultyDisk<T>(
  root: string,
  at: number,
  fault: DiskFault,
  run: () => Promise<T>,
): Promise<{ readonly calls: number; readonly result: T }> {
  let calls = 0;
  const methods = await fileMethods(), opened = new WeakSet<object>(), restores: (() => void)[] = [];
  const replace = (owner: object, name: string, applies: (self: object, args: unknown[]) => boolean) => {
    const named = owner as Record<string, Call>, original = named[name];
    restores.push(() => named[name] = original);
    named[name] = async function (this: object, ...args) {
      if (!applies(this, args)) return await original.apply(this, args);
      if (++calls >= at) {
        if (fault !== "full") {
          const [bytes] = args;
          if (calls === at && fault === "torn" && bytes instanceof Uint8Array) {
            await original.call(this, bytes.subarray(0, bytes.length >> 1));
          }
          throw new Killed();
        }
        if (TAKE_ROOM.includes(name)) {
          throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
        }
      }
      const made = await original.apply(this, args);
      if (name === "open") opened.add(made as object);
      return made;
    };
  };
  const under = (path: unknown) => String(path).startsWith(root);
  for (const name of ["rename", "link", "copyFile", "unlink", "rmdir", "mkdir", "truncate"]) {
    replace(fs, name, (_, args) => under(args[0]) || under(args[1]));
  }
  replace(fs, "open", (_, [path, flags]) => under(path) && ["w", "a"].includes(String(flags)));
  for (const name of ["write", "sync", "truncate"]) replace(methods, name, (self) => opened.has(self));
  // The lock of a run is Deno's own.
  replace(Deno, "open", (_, [path]) => under(path));
  for (const name of ["write", "truncate"]) replace(Deno.FsFile.prototype, name, (self) => opened.has(self));
  try {
    const result = await run();
    return { calls, result };
  } finally {
    for (const restore of restores) restore();
  }
}
