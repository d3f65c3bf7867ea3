/** Explains the predictions of a command, as a picture a prediction in a folder. */

import { printable } from "../../core/mod.ts";
import type { DecodedImage } from "../../data/mod.ts";
import { DiskStore, writeFile } from "../../disk/mod.ts";
import { type ClassMap, explainByOcclusion, GradCam, type LoadedModel, type Prediction } from "../../inference/mod.ts";
import type { NamedTensor } from "../../weights/mod.ts";
import { formatPercent } from "../reports/format.ts";
import { drawExplanation, type Picture, pictureOf } from "./explanation.ts";

/** The methods, by the names that --explain-by gives them. */
export const EXPLANATIONS = ["grad-cam", "occlusion"] as const;

/** What explains. */
export interface ExplainerOptions {
  /** The folder of the pictures. */
  readonly folder: string;
  /** The images, by which the pictures are named. */
  readonly files: readonly string[];
  /** One of {@link EXPLANATIONS}. */
  readonly method: string;
  readonly model: LoadedModel;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** The weights, for messages. */
  readonly source: string;
}

/** Explains the most probable class of images. */
export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #gradCam: GradCam | undefined;
  readonly #names = new Set<string>();
  readonly #shared: number;

  private constructor(options: ExplainerOptions, gradCam: GradCam | undefined) {
    this.#options = options;
    this.#gradCam = gradCam;
    this.#shared = sharedFolders(options.files);
  }

  /**
   * Compiles what the method needs, and makes the folder.
   *
   * @throws {DataError} If the folder cannot be made.
   */
  static async create(options: ExplainerOptions): Promise<Explainer> {
    const { model: { model, backend }, tensors, source, folder, method } = options;
    await DiskStore.open(folder, "the folder of the explanations");
    const gradCam = method === "grad-cam" ? await GradCam.create({ model, backend, tensors, source }) : undefined;
    return new Explainer(options, gradCam);
  }

  /** What is kept of an image until it is explained. */
  picture(image: DecodedImage): Promise<Picture> {
    return pictureOf(image, this.#options.model.preprocessing);
  }

  /**
   * Draws the explanation of a prediction, and writes it under the image's name.
   *
   * @throws {DataError} If it cannot be written.
   */
  async explain(file: string, tensor: Float32Array, picture: Picture, { top: [best] }: Prediction): Promise<void> {
    const map: ClassMap = this.#gradCam === undefined
      ? await explainByOcclusion(this.#options.model, tensor, { index: best.index })
      : await this.#gradCam.explain(tensor, best.index);
    const caption = `${printable(best.label)} ${formatPercent(best.probability)}`;
    const png = await drawExplanation(picture, map, caption);
    await writeFile(`${this.#options.folder}/${this.#nameFor(file)}.png`, png);
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#gradCam?.destroy();
  }

  /** The image's path below the folder that all are in, with a number where there is such a picture already. */
  #nameFor(file: string): string {
    const name = file.split(/[\\/]/).slice(this.#shared).join("/").replace(/\.[^./]*$/, "");
    let free = name;
    for (let k = 2; this.#names.has(free); k++) free = `${name} (${k})`;
    this.#names.add(free);
    return free;
  }
}

/** How many folders at the beginning of all paths are the same. */
function sharedFolders(files: readonly string[]): number {
  const [first = [], ...others] = files.map((file) => file.split(/[\\/]/).slice(0, -1));
  const differs = first.findIndex((part, k) => others.some((other) => other[k] !== part));
  return differs < 0 ? first.length : differs;
}
