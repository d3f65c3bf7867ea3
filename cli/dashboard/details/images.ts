/** The images of a run's data: those that it was validated on, and samples of what it trains on. */

import type { DecodedImage, ImageSet } from "../../../data/mod.ts";
import { discard, loadSharp } from "../../../images/mod.ts";
import { content, RequestError } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import { drawContactSheet } from "../../images/contact_sheet.ts";
import { sampleRows } from "../../images/inspect_data.ts";
import { AUGMENTATION_OPTIONS, chooseAugmentation, DATA_OPTIONS, openData } from "../../options/image_options.ts";
import type { Values } from "../../options/option.ts";
import { expectImage } from "../../run_report/pictures.ts";
import { withRunData } from "../../options/run_data.ts";
import type { Run } from "../run.ts";
import { wholeNumber } from "./curves.ts";
import { Recent, type RunFiles } from "./run_files.ts";
import type { RunAnswers } from "./validation.ts";
import type { RunWeights } from "./weights.ts";

const OPTIONS = { ...DATA_OPTIONS, ...AUGMENTATION_OPTIONS } as const;

/** The pixels of the longer side of an image on the page. */
const LEAST_SIDE = 16, MOST_SIDE = 512, SIDE = 96;
/** Samples a class, and classes at most. */
const SAMPLES = 8, MOST_CLASSES = 10;

/** A run's images, and its options of them. */
export interface OpenedData {
  readonly set: ImageSet;
  readonly values: Values<typeof OPTIONS>;
}

/** Opens the images of runs, as their options say. */
export class RunImages {
  readonly #files: RunFiles;
  /** The images of some sets are all in memory. */
  readonly #recent = new Recent<OpenedData>(2);

  readonly #answers: RunAnswers;

  /** Opens nothing yet. */
  constructor(files: RunFiles, answers: RunAnswers) {
    this.#files = files;
    this.#answers = answers;
  }

  /**
   * A run's data.
   *
   * @throws {DataError} If they are not there any more, or are something else.
   */
  async of(run: Run): Promise<OpenedData> {
    // What a run's own folder says is looked at within the folder of runs alone.
    const { key } = await this.#files.find(run, "config.json", "The run has no config.json, which says its data");
    return await this.#recent.get(key, async () => {
      const { values } = await withRunData(OPTIONS, {}, this.#files.folder(run));
      const name = typeof run.config.model === "string" ? { name: run.config.model } : undefined;
      return { set: await openData({ ...values, workers: 0 }, name, () => {}), values };
    });
  }

  /**
   * An image that the run was validated on.
   *
   * @throws {RequestError} If there is no such image.
   * @throws {DataError} If it is another now.
   */
  async read(run: Run, index: number): Promise<DecodedImage> {
    const { validation } = (await this.of(run)).set, { images, stride } = await this.#answers.of(run);
    if (!(index >= 0 && index < validation.count)) {
      throw new RequestError(404, `There are ${validation.count} validation images, and none is number ${index}`);
    }
    const answered = images[index / stride];
    if (answered !== undefined) expectImage(validation, answered);
    return await validation.read(index);
  }
}

/** An image as a PNG of a size that suits a page; small ones keep their pixels visible. */
export async function thumbnail(
  { width, height, pixels }: DecodedImage,
  side: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const sharp = await loadSharp(), channels = pixels.length / (width * height) as 1 | 3;
  const scale = side / Math.max(width, height), kernel = scale > 1 ? "nearest" : "lanczos3";
  const size = [width, height].map((pixels) => Math.max(1, Math.round(pixels * scale)));
  const png = await sharp(pixels, { raw: { width, height, channels } })
    .resize(size[0], size[1], { fit: "fill", kernel }).png().toBuffer();
  return new Uint8Array(png);
}

/** The details by the path at which they are asked for. */
export function imageDetails(images: RunImages, weights: RunWeights): Readonly<Record<string, RunDetail>> {
  return {
    "/api/image": async (run, query) => {
      const asked = query.get("side"), side = asked === null ? SIDE : wholeNumber(asked);
      if (side < LEAST_SIDE || side > MOST_SIDE) {
        throw new RequestError(400, `side: expected pixels from ${LEAST_SIDE} to ${MOST_SIDE} but ${asked} came`);
      }
      const image = await images.read(run, wholeNumber(query.get("index"))), png = await thumbnail(image, side);
      discard(image);
      return content(png, "image/png");
    },
    "/api/samples": async (run) => {
      const { set, values } = await images.of(run);
      const { normalisation: known } = (await weights.of(run)).info;
      const { augmentation, normalisation = known } = await chooseAugmentation(values, set, known);
      const seed = typeof run.config.seed === "number" ? run.config.seed : 0;
      const options = { shape: set.shape, normalisation, augmentation, seed };
      const rows = await sampleRows(set, options, SAMPLES, MOST_CLASSES);
      const png = await drawContactSheet(`${set.name}, as training sees it`, rows, [set.shape[1], set.shape[2]]);
      return content(new Uint8Array(png), "image/png");
    },
  };
}
