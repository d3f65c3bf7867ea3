/** A data set of your own: rings and crosses, drawn when they are asked for. Put your images in their place. */

import { type Dataset, type ImageSet, Random } from "@residua/residua";

const CLASSES = ["ring", "cross"];
/** Height and width of an image. */
const SIDE = 16;

/** Images of a size of their own would do as well: they are resized to the shape of the set. */
function drawn(count: number, seed: number): Dataset {
  return {
    count,
    labels: Uint8Array.from({ length: count }, (_, index) => index % CLASSES.length),
    read(index) {
      const random = new Random(seed, "drawn", [index, 0]), radius = random.uniform(3, 6);
      const [x0, y0] = [0, 0].map(() => random.uniform(6, SIDE - 6)), colour = [0, 0, 0].map(() => random.integer(256));
      const isInk = (x: number, y: number) =>
        CLASSES[index % CLASSES.length] === "ring"
          ? Math.abs(Math.hypot(x - x0, y - y0) - radius) < 1
          : Math.min(Math.abs(x - x0), Math.abs(y - y0)) < 1 && Math.hypot(x - x0, y - y0) < radius;
      const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
        const pixel = Math.floor(i / 3), ink = isInk(pixel % SIDE, Math.floor(pixel / SIDE));
        return ink ? colour[i % 3] : 255 - colour[i % 3];
      });
      return { width: SIDE, height: SIDE, pixels };
    },
  };
}

/** Both parts of the set. For photos in folders: `openImageSet("photos")` of `@residua/residua/images`. */
export const set: ImageSet = {
  name: "rings and crosses",
  classes: CLASSES,
  shape: [3, SIDE, SIDE],
  train: drawn(512, 1),
  validation: drawn(128, 2),
  mirrorable: true,
};
