/** Small pictures of photos; a file that gives none is no photo. */

/** The side of a picture, in pixels. */
const SIDE = 112;

/**
 * Draws the middle of a photo.
 *
 * @throws {Error} If the browser cannot decode the file.
 */
export async function thumbnail(file: Blob, name: string): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${name} is no image that this browser can read.`);
  });
  const { width, height } = bitmap, side = Math.min(width, height), canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  return canvas;
}
