/** Small pictures of validation images, as addresses that hold their bytes. */

import { DataError, ResiduaError } from "../../core/mod.ts";
import { type Dataset, FolderDataset, toRgb } from "../../data/mod.ts";
import { loadSharp } from "../../images/mod.ts";
import type { ValidatedImage } from "../../train/mod.ts";
import { messageOf } from "../error_message.ts";
import { openData } from "../options/image_options.ts";
import { ownData } from "../options/run_data.ts";
import type { DrawMistakes } from "./run_report.ts";

/** Height and width of a picture, and the least to which a small image is enlarged without blur. */
const SIDE = 160;

/**
 * Draws images of the data of a run.
 *
 * @param run The run folder.
 * @param data Where its data are now. Defaults to where they were.
 */
export function picturesOf(run: string, data?: string): DrawMistakes {
  return async (config, mistakes) => {
    try {
      const set = await openData(ownData(config, run, data), { name: String(config.model) }), sharp = await loadSharp();
      const draw = async (mistake: ValidatedImage): Promise<string> => {
        expectImage(set.validation, mistake);
        const { width, height, pixels } = toRgb(await set.validation.read(mistake.index));
        const kernel = Math.max(width, height) < SIDE / 2 ? "nearest" : "lanczos3";
        const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
          .resize(SIDE, SIDE, { fit: "inside", kernel }).webp({ quality: 80 }).toBuffer();
        return `data:image/webp;base64,${new Uint8Array(bytes).toBase64()}`;
      };
      const drawn = await Promise.allSettled(mistakes.map(draw));
      const failed = drawn.find((one) => one.status === "rejected");
      return {
        pictures: drawn.map((one) => one.status === "fulfilled" ? one.value : undefined),
        note: failed && `Some images could not be read: ${reasonOf(failed.reason)}.`,
      };
    } catch (error) {
      return { pictures: [], note: `The images of mistakes could not be read: ${reasonOf(error)}.` };
    }
  };
}

/** What went wrong with data; what else did is no matter of a note. */
function reasonOf(error: unknown): string {
  if (error instanceof ResiduaError) return messageOf(error);
  throw error;
}

/**
 * Expects an image to be the one that a network was asked about: the data may be others by now.
 *
 * @throws {DataError} If it is another.
 */
export function expectImage(set: Dataset, { index, path, label }: ValidatedImage): void {
  const found = set instanceof FolderDataset && index < set.count ? set.files.at(index) : undefined;
  if (index < set.count && found === path && set.labels[index] === label) return;
  throw new DataError(`image ${index} of the validation images is another now than when the run was trained`);
}
