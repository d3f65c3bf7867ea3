/**
 * Reads files that a command is given. Only a regular file is opened, since a pipe waits for ever and a device never ends, and
 * only one of a size that its kind may have.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import fs from "node:fs/promises";
import { freemem } from "node:os";
import { DataError } from "../core/mod.ts";
import { codeOf, explain } from "./disk_error.ts";

const THE_FILE = "the file";

const KIB = 2 ** 10, MIB = 2 ** 20, GIB = 2 ** 30;

/** The most bytes that files of a kind may have. */
export const MOST_BYTES: Readonly<
  Record<"text" | "list" | "tuning" | "answers" | "metrics" | "image" | "data" | "weights", number>
> = {
  /** Options, indices, names of classes. */
  text: 4 * MIB,
  /** A table of paths and labels: some millions. */
  list: 256 * MIB,
  /** Choices of kernels. */
  tuning: 64 * MIB,
  /** What a network said of the images of a set, with their paths. */
  answers: 64 * MIB,
  /** The log of a run: some nine million steps. */
  metrics: GIB,
  /** An image. */
  image: 512 * MIB,
  /** The images of a whole set in one file. */
  data: 4 * GIB,
  /** Weights. */
  weights: 4 * GIB,
};

/** What a file is, for messages and for its size. */
export interface FileKind {
  /** What it is called. Defaults to "the file". */
  readonly what?: string;
  /** The most bytes that it may have. */
  readonly most: number;
}

/** A smaller file is read without asking how much memory there is. */
const LARGE = 64 * MIB;

/**
 * The bytes of a file.
 *
 * @param path The file.
 * @param kind What it is.
 * @throws {DataError} If it cannot be read, is no regular file or is too large: which.
 */
export async function readFile(path: string, kind: FileKind): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await read(path, kind);
  } catch (error) {
    throw explain(kind.what ?? THE_FILE, path, error);
  }
}

/** The bytes of a file as {@link readFile} gives them, or nothing if there is none. */
export async function readIfThere(path: string, kind: FileKind): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await read(path, kind);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw explain(kind.what ?? THE_FILE, path, error);
  }
}

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "");
}

/** The most bytes that are read at once: no system takes 2 GiB. */
const PART = GIB;

async function read(path: string, kind: FileKind): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(sizeOf(await fs.stat(path), path, kind)), beyond = new Uint8Array(1);
  const file = await fs.open(path);
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = (await file.read(bytes, length, Math.min(bytes.length - length, PART))).bytesRead;
    }
    return expectWhole(bytes, length, (await file.read(beyond, 0, 1)).bytesRead > 0, path, kind);
  } finally {
    await file.close();
  }
}

/** The bytes of a file as {@link readFile} gives them, at once; errors of the system are raised as they are. */
export function readFileSync(path: string, kind: FileKind): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(statSync(path), path, kind)), beyond = new Uint8Array(1);
  const file = openSync(path, "r");
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, Math.min(bytes.length - length, PART), null);
    }
    return expectWhole(bytes, length, readSync(file, beyond, 0, 1, null) > 0, path, kind);
  } finally {
    closeSync(file);
  }
}

/** The text of a file, without a byte order mark. */
export async function readText(path: string, what?: string, most: number = MOST_BYTES.text): Promise<string> {
  return new TextDecoder().decode(await readFile(path, { what, most }));
}

/** As {@link readText}, at once; errors of the system are raised as they are. */
export function readTextSync(path: string, what?: string, most: number = MOST_BYTES.text): string {
  return new TextDecoder().decode(readFileSync(path, { what, most }));
}

/** What of a file's description is judged, as `stat` gives it. */
interface Description {
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
}

/**
 * Refuses what is no regular file.
 *
 * @param info What the system says of it, links followed.
 * @throws {DataError} What it is instead.
 */
export function expectRegular(info: Description, path: string, what: string = THE_FILE): void {
  if (info.isFile()) return;
  if (info.isDirectory()) throw new DataError(`${path}: expected ${what} there, but this is a folder`);
  const came = info.isFIFO()
    ? "a pipe"
    : info.isSocket()
    ? "a socket"
    : info.isCharacterDevice()
    ? "a device"
    : "something else";
  throw new DataError(`${path}: expected ${what}, a regular file, but this is ${came}; save it as a file first`);
}

/** The size of a regular file, if it may have that. */
function sizeOf(info: Description, path: string, { what = THE_FILE, most }: FileKind): number {
  expectRegular(info, path, what);
  const { size } = info;
  if (size > most) {
    throw new DataError(
      `${path}: expected ${what} of at most ${formatSize(most)} but it has ${formatSize(size)}; is it another file?`,
    );
  }
  if (size > LARGE && size > freemem()) {
    throw new DataError(
      `${path}: ${what} has ${formatSize(size)}, more than there is of memory ` +
        `(${formatSize(freemem())}); free some, or use a larger machine`,
    );
  }
  return size;
}

/** Refuses a file that gave less than the system says, or more, as the endless files of a system do. */
function expectWhole(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
  more: boolean,
  path: string,
  { what = THE_FILE }: FileKind,
): Uint8Array<ArrayBuffer> {
  if (length === bytes.length && !more) return bytes;
  throw new DataError(
    `${path}: expected ${what} of ${formatSize(bytes.length)}, as the system says, but it gave ${
      more ? "more" : formatSize(length)
    }; is it still being written? Give it when it is whole`,
  );
}

function formatSize(bytes: number): string {
  const [unit, name] = bytes >= GIB
    ? [GIB, "GiB"]
    : bytes >= MIB
    ? [MIB, "MiB"]
    : bytes >= KIB
    ? [KIB, "KiB"]
    : [1, ""];
  return name === "" ? `${bytes} bytes` : `${Number((bytes / unit).toPrecision(3))} ${name}`;
}
