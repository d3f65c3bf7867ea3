/** Finds the files that a list means, where it may leave out their endings. */

import { isImageFile } from "./decoded_image.ts";
import type { FileSource } from "./file_source.ts";
import { isVisibleFolder } from "./image_tree.ts";

/** What is in a folder: all names, and those of images by what stands before their endings. */
class Listing {
  readonly #names: ReadonlySet<string>;
  #stems: Map<string, string[]> | undefined;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  /** The files that a name means. */
  find(name: string): readonly string[] {
    return this.#names.has(name) ? [name] : (this.#stems ??= this.#byStem()).get(name) ?? [];
  }

  #byStem(): Map<string, string[]> {
    const stems = new Map<string, string[]>();
    for (const name of this.#names) {
      if (!isImageFile(name)) continue;
      const stem = name.slice(0, name.lastIndexOf("."));
      stems.set(stem, [...stems.get(stem) ?? [], name]);
    }
    return stems;
  }
}

/** The folder of a path, with a slash at the end, or nothing; and the name in it. */
function split(path: string): [folder: string, name: string] {
  const cut = path.lastIndexOf("/") + 1;
  return [path.slice(0, cut), path.slice(cut)];
}

/** The files of a folder, of which each folder is listed once. */
export class ListedFiles {
  readonly #source: FileSource;
  readonly #listings = new Map<string, Listing>();

  /** @param source The folder in which paths are. */
  constructor(source: FileSource) {
    this.#source = source;
  }

  /**
   * Lists the folders of paths; what is not there counts as empty.
   *
   * @throws If the source itself cannot be listed.
   */
  async list(paths: readonly string[]): Promise<void> {
    const folders = new Set(paths.map((path) => split(path)[0]));
    if (!this.#listings.has("")) this.#listings.set("", new Listing(await this.#source.list()));
    for (const folder of folders) {
      if (this.#listings.has(folder)) continue;
      this.#listings.set(folder, new Listing(await this.#source.list(folder).catch(() => [])));
    }
  }

  /** The files that a path means, whose folder is listed: one, none, or several that differ in their endings. */
  find(path: string): readonly string[] {
    const [folder, name] = split(path);
    return this.#listings.get(folder)!.find(name).map((file) => folder + file);
  }

  /** The folder, one level below, in which a path is that is not in the source. */
  async findBelow(path: string): Promise<string | undefined> {
    const [folder, name] = split(path);
    for (const below of (await this.#source.list()).filter(isVisibleFolder)) {
      const names = await this.#source.list(below + folder).catch(() => []);
      if (new Listing(names).find(name).length > 0) return below.slice(0, -1);
    }
    return undefined;
  }
}
