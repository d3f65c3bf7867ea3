/**
 * Locks a file for this process. Deno asks the system, which takes the lock from a process that ends. Node and Bun cannot: there
 * the file says who has it, and whoever comes next looks whether that process is still there. The two heed each other.
 */

import fs from "node:fs/promises";
import process from "node:process";
import { DataError } from "../core/mod.ts";
import { codeOf } from "./disk_error.ts";
import { permissionText } from "./permission_error.ts";
import { readIfThere } from "./read_file.ts";

/** A lock that is held. */
export interface FileLock {
  /** Gives it back; the file stays. */
  release(): void;
}

/** The part of Deno that is used. */
interface DenoFiles {
  open(path: string, options: Readonly<Record<string, boolean>>): Promise<DenoFile>;
  stat(path: string): Promise<{ readonly ino: number | null }>;
}

interface DenoFile {
  tryLock(exclusive: boolean): Promise<boolean>;
  stat(): Promise<{ readonly ino: number | null }>;
  read(bytes: Uint8Array): Promise<number | null>;
  seek(offset: number, from: number): Promise<number>;
  truncate(): Promise<void>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** The most bytes of such a file. */
const MOST_BYTES = 64;

/** Milliseconds after which a file that says nothing was left by a process that was killed before it could write its number. */
const SILENCE = 10_000;

/** What a file says: who has it, and since when that process runs, which is written where the system keeps no lock. */
interface Holder {
  readonly text: string;
  readonly process: number | undefined;
  readonly since: number | undefined;
}

function parseHolder(bytes: Uint8Array): Holder {
  const text = new TextDecoder().decode(bytes), [number, since] = text.split("\n");
  return {
    text,
    process: /^\d+$/.test(number) ? Number(number) : undefined,
    since: since ? Number(since) : undefined,
  };
}

async function readHolder(path: string): Promise<Holder> {
  return parseHolder(await readIfThere(path, { what: "the run's lock", most: MOST_BYTES }) ?? new Uint8Array());
}

/** When this process began, in milliseconds since 1970: another one may have had its number. */
const BEGAN = Math.round(performance.timeOrigin);

/** Whether the process that a file names is still there; nothing if this one may not know. */
async function isThere({ process: number, since }: Holder, path: string): Promise<boolean | undefined> {
  if (number === undefined) return Date.now() - (await fs.stat(path)).mtimeMs < SILENCE;
  if (number === process.pid && since !== undefined) return since === BEGAN;
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
    // Deno asks for no process unless it may start any.
    return permissionText(error) === undefined ? true : undefined;
  }
}

function inUse({ process: number }: Holder, path: string): DataError {
  return new DataError(
    `${path}: the run is in use by process ${
      number ?? "that has only just begun"
    }; wait until it has ended, or choose another folder`,
  );
}

/** Fails unless the process that a file names is known to be gone. */
async function expectGone(holder: Holder, path: string): Promise<void> {
  const there = await isThere(holder, path);
  if (there) throw inUse(holder, path);
  if (there === undefined) {
    throw new DataError(
      `${path}: process ${holder.process} has taken the run, and this command may not look whether it still has it; ` +
        "once it has ended, remove the file",
    );
  }
}

/**
 * Locks a file, which is made where it is missing, and writes this process's number to it.
 *
 * @param path The file.
 * @throws {DataError} If another process has it.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const { Deno } = globalThis as { Deno?: DenoFiles };
  return Deno === undefined ? await lockByNumber(path) : await lockBySystem(Deno, path);
}

async function lockBySystem(deno: DenoFiles, path: string): Promise<FileLock> {
  for (;;) {
    const file = await deno.open(path, { read: true, write: true, create: true });
    try {
      if (!await file.tryLock(true)) throw inUse(await readHolder(path), path);
      // The process that held the lock before may have removed the file in between.
      const [opened, found] = [await file.stat(), await deno.stat(path).catch(() => undefined)];
      if (found?.ino !== opened.ino) {
        file.close();
        continue;
      }
      // By this file, since some systems let no other read what is locked.
      const bytes = new Uint8Array(MOST_BYTES), holder = parseHolder(bytes.subarray(0, await file.read(bytes) ?? 0));
      if (holder.since !== undefined) await expectGone(holder, path);
      await file.truncate();
      await file.seek(0, 0);
      await file.write(new TextEncoder().encode(`${process.pid}\n`));
    } catch (error) {
      file.close();
      throw error;
    }
    return { release: () => file.close() };
  }
}

/** Locks a file as where the system gives no locks. */
export async function lockByNumber(path: string): Promise<FileLock> {
  for (;;) {
    try {
      const file = await fs.open(path, "wx");
      try {
        await file.writeFile(`${process.pid}\n${BEGAN}\n`);
      } finally {
        await file.close();
      }
      return { release: () => {} };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    await removeDeserted(path);
  }
}

/** Whether a process has a file locked: `unknown` where only its number tells, and nobody here may ask for that. */
export type LockState = "held" | "free" | "unknown";

/**
 * Looks at whether a process has a file locked, and leaves it as it is. That of a lock which is free is taken for a moment, shared
 * with others; whoever comes just then finds it in use.
 *
 * @param path The file.
 */
export async function lockState(path: string): Promise<LockState> {
  const { Deno } = globalThis as { Deno?: DenoFiles };
  try {
    const holder = await readHolder(path);
    if (Deno === undefined || holder.since !== undefined) {
      const there: boolean | undefined = await isThere(holder, path);
      return there === undefined ? "unknown" : there ? "held" : "free";
    }
    const file = await Deno.open(path, { read: true });
    try {
      return await file.tryLock(false) ? "free" : "held";
    } finally {
      file.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof DataError) return "free";
    // Some systems let no other process read what is locked.
    return "held";
  }
}

/** Milliseconds between looks at whether another process is done with taking a file away. */
const PAUSE = 20;

/**
 * Takes a file away whose process is gone. Whoever does so makes another file first, which only one can: otherwise a process
 * could take away what another has made in between.
 */
async function removeDeserted(path: string): Promise<void> {
  const holder = await readHolder(path), taking = `${path}.taking`;
  try {
    await expectGone(holder, path);
    await (await fs.open(taking, "wx")).close();
  } catch (error) {
    if (codeOf(error) === "EEXIST") await awaitTaking(taking);
    else if (codeOf(error) !== "ENOENT") throw error;
    return;
  }
  try {
    const now = await readHolder(path);
    if (now.text === holder.text && await isThere(now, path) === false) await fs.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  } finally {
    await fs.unlink(taking);
  }
}

/** Waits a moment for another process, unless that was killed, which is over when its file is old. */
async function awaitTaking(taking: string): Promise<void> {
  const made = await fs.stat(taking).then(({ mtimeMs }) => mtimeMs, () => undefined);
  if (made !== undefined && Date.now() - made > SILENCE) await fs.unlink(taking).catch(() => {});
  else await new Promise((resolve) => setTimeout(resolve, PAUSE));
}
