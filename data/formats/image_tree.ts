/** Walks folders of image files. */

import { DataError } from "../../core/mod.ts";
import { IMAGE_FORMATS, isImageFile } from "./decoded_image.ts";
import type { FileSource } from "./file_source.ts";

/** Files that lie among images and are not read, counted by their endings, and folders that links lead to again. */
export class LeftOut {
  readonly #counts = new Map<string, number>();
  #folders = 0;

  /** Counts a folder whose images are read by another path. */
  addFolder(): void {
    this.#folders++;
  }

  /** Counts a file. */
  add(name: string): void {
    const ending = /.(\.[^.]+)$/.exec(name)?.[1].toLowerCase() ?? "without an ending";
    this.#counts.set(ending, (this.#counts.get(ending) ?? 0) + 1);
  }

  /** Counts what another has counted. */
  addAll(other: LeftOut): void {
    for (const [ending, count] of other.#counts) this.#counts.set(ending, (this.#counts.get(ending) ?? 0) + count);
    this.#folders += other.#folders;
  }

  /** The number of folders that links lead to again. */
  get folders(): number {
    return this.#folders;
  }

  /** What to tell of these folders, in a sentence. */
  describeFolders(): string {
    return `${
      this.#folders === 1 ? "1 link leads" : `${this.#folders} links lead`
    } to folders that are read by another ` +
      "path, and are passed over";
  }

  /** The number of files. */
  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What to tell of them, in a sentence. */
  describe(): string {
    const { count } = this;
    return `${count === 1 ? "1 file is" : `${count} files are`} not read, being no ${IMAGE_FORMATS}: ${this}`;
  }

  /** How many there are of each ending, the most first, as in `12 .heic, 2 .txt`. */
  toString(): string {
    return [...this.#counts].sort(([, a], [, b]) => b - a).map(([ending, count]) => `${count} ${ending}`).join(", ");
  }
}

/** Whether an entry of a listing is a folder whose name does not begin with a dot. */
export function isVisibleFolder(name: string): boolean {
  return name.endsWith("/") && !name.startsWith(".");
}

/** Whether an entry of a listing is taken for an image. */
export function isVisibleImage(name: string): boolean {
  return isImageFile(name) && !name.startsWith(".");
}

/**
 * Finds the image files in a folder and its subfolders, by their endings, in the order of their names. What begins with a
 * dot is passed over.
 *
 * @param files The source.
 * @param folder A folder in it, with a slash at the end, or nothing for the source itself.
 * @param leftOut Counts the other files, and the folders that links lead to again.
 * @param seen The folders that were read before, which are not read again: the path of each by what `identify` says. Defaults to
 * none.
 * @returns The paths in the source.
 *
 * @example
 * ```ts
 * import { findImageFiles, LeftOut } from "@residua/residua/data";
 * const files = {
 *   location: "memory",
 *   list: () => Promise.resolve(["a.png", "b.heic"]),
 *   read: () => Promise.resolve(new Uint8Array()),
 * };
 * const leftOut = new LeftOut();
 * console.log(await findImageFiles(files, "", leftOut), `${leftOut}`); // [ "a.png" ] 1 .heic
 * ```
 */
export async function findImageFiles(
  files: FileSource,
  folder: string,
  leftOut: LeftOut,
  seen: Map<string, string> = new Map(),
): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    if (await firstPath(files, folder, seen) !== undefined) return leftOut.addFolder();
    for (const name of await files.list(folder)) {
      if (name.startsWith(".")) continue;
      if (name.endsWith("/")) await walk(folder + name);
      else if (isImageFile(name)) paths.push(folder + name);
      else leftOut.add(name);
    }
  };
  await walk(folder);
  return paths;
}

/** The path by which a folder was read already; nothing if it was not, and then it is taken for read. */
async function firstPath(files: FileSource, folder: string, seen: Map<string, string>): Promise<string | undefined> {
  const identity = await files.identify?.(folder);
  if (identity === undefined) return undefined;
  const first = seen.get(identity);
  if (first === undefined) seen.set(identity, folder);
  return first;
}

/** The class that a folder holds: names that differ only in how accents are composed (NFC, NFD) are one. */
export function className(folder: string): string {
  return folder.slice(0, -1).normalize("NFC");
}

/**
 * The paths of the images of each class, by name; of one without images none, if there may be such.
 *
 * @param options The folders of other splits, to which those of this one are added; whether a class may be empty.
 * @throws {DataError} If a class has no images, or they are those of another class or split.
 */
export async function listClasses(
  files: FileSource,
  folder: string,
  leftOut: LeftOut,
  { seen = new Map(), mayBeEmpty = false }: { readonly seen?: Map<string, string>; readonly mayBeEmpty?: boolean } = {},
): Promise<Map<string, string[]>> {
  const classes = new Map<string, string[]>();
  for (const name of (await files.list(folder)).filter(isVisibleFolder)) {
    const identity = await files.identify?.(folder + name), first = identity && seen.get(identity);
    if (first !== undefined) {
      throw new DataError(
        `${files.location}/${folder}${name.slice(0, -1)}: expected images of its own but it is the folder ` +
          `${first.slice(0, -1)} by another path, so that images would be there twice; remove the link`,
      );
    }
    const others = new LeftOut(), images = await findImageFiles(files, folder + name, others, seen);
    if (images.length === 0 && !mayBeEmpty) {
      throw new DataError(
        `${files.location}/${folder}${name.slice(0, -1)}: expected ${IMAGE_FORMATS} files of a class ` +
          (others.count === 0
            ? "but there are none; add some, or remove the folder"
            : `but there are only others (${others}); convert them, or remove the folder`),
      );
    }
    leftOut.addAll(others);
    classes.set(className(name), [...classes.get(className(name)) ?? [], ...images]);
  }
  return new Map([...classes].sort(([a], [b]) => a < b ? -1 : 1));
}
