/** The boxes of all classes. */

import type { ClassPhotos } from "../protocol.ts";
import { ClassBox } from "./class_box.ts";
import { byId, showError } from "./dom.ts";
import { chosenFiles, type FoundFile, takeDrops } from "./dropped_files.ts";

const ERROR = "photos-error";

/** The first column of the page. */
export class PhotoBoxes {
  #boxes: ClassBox[] = [];
  #made = 0;

  /** Shows two empty boxes, and listens. */
  constructor() {
    const input = byId<HTMLInputElement>("folders");
    this.#addBox();
    this.#addBox();
    byId("add-class").addEventListener("click", () => this.#addBox().element.querySelector("input")?.select());
    input.addEventListener("change", () => this.#addFolders(chosenFiles(input)).then(() => input.value = ""));
    takeDrops(document.body, (files) => this.#addFolders(files));
  }

  /**
   * The classes, to train on.
   *
   * @throws {Error} If they cannot be trained on.
   */
  get classes(): ClassPhotos[] {
    const classes = this.#boxes.map((box) => box.content);
    if (classes.length < 2) throw new Error("A network tells classes apart, so it takes two or more; add a class.");
    if (classes.some(({ name }) => name === "")) throw new Error("A class has no name; give it one.");
    const twice = classes.find(({ name }, k) => classes.findIndex((other) => other.name === name) < k);
    if (twice !== undefined) throw new Error(`Two classes are called ${twice.name}; rename or remove one of them.`);
    const empty = classes.find(({ photos }) => photos.length === 0);
    if (empty === undefined) return classes;
    throw new Error(`${empty.name} has no photos yet; add some to its box, or remove the class.`);
  }

  #addBox(name = `Class ${++this.#made}`): ClassBox {
    const box = new ClassBox(name, (gone) => {
      this.#boxes = this.#boxes.filter((other) => other !== gone);
      gone.element.remove();
    });
    this.#boxes.push(box);
    byId("boxes").append(box.element);
    return box;
  }

  /** Adds the files of folders to the classes that the folders name; untouched boxes make room for them. */
  async #addFolders(files: readonly FoundFile[]): Promise<void> {
    const folders = Map.groupBy(files, ({ folder }) => folder), loose = folders.get(undefined) ?? [];
    showError(
      ERROR,
      loose.length === 0
        ? ""
        : `Drop photos on the box of their class: no folder says which one ${loose[0].file.name} is of.`,
    );
    folders.delete(undefined);
    if (folders.size === 0) return;
    for (const box of this.#boxes) {
      if (box.content.photos.length === 0 && /^Class \d+$/.test(box.content.name)) box.element.remove();
    }
    this.#boxes = this.#boxes.filter(({ element }) => element.isConnected);
    const added = [...folders].toSorted(([a], [b]) => a! < b! ? -1 : 1).map(([name, found]) => {
      const box = this.#boxes.find(({ content }) => content.name === name) ?? this.#addBox(name);
      return box.add(found);
    });
    await Promise.all(added);
  }
}
