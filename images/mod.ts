/**
 * Image files: folders of them as sets to train on, single ones to predict. PNG, JPEG, WebP, GIF and TIFF are decoded by
 * sharp, BMP and AVIF by `@napi-rs/image`; each is loaded with the first image that needs it.
 *
 * @example Train on a folder of photos, a folder a class
 * ```ts
 * import { fit, modelByName, openBackend } from "@residua/residua";
 * import { openImageSet } from "@residua/residua/images";
 * using backend = await openBackend("auto");
 * const set = await openImageSet("photos", { size: 32 });
 * const model = modelByName("resnet20", { classes: set.classes.length });
 * console.log((await fit({ model, backend, set, epochs: 20, batch: 32 })).bestTop1);
 * ```
 *
 * @module
 */

export { DecodeBudget, Reservation } from "./decode_budget.ts";
export {
  DECODE_MODES,
  decodeImage,
  type DecodeLimits,
  type DecodeMode,
  discard,
  MOST_MEGAPIXELS,
} from "./decode_image.ts";
export { ImageCaches } from "./image_caches.ts";
export { findImages } from "./image_files.ts";
export { loadSharp } from "./load_sharp.ts";
export { imageFolderOptions, type ImageReadingOptions, openImageSet } from "./open_image_set.ts";
export { readAhead } from "./read_ahead.ts";
export { readImage } from "./read_image.ts";
