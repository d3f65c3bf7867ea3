/** A data set of one's own: stripes, drawn when they are asked for, and a network that tells their directions apart. */

import { augmentationByName, type Dataset, fit, type ImageSet, modelByName, openBackend, Random } from "../mod.ts";

/** Horizontal (0) and vertical (1) stripes of any width and colour, in images of any size from 16x16 to 24x24. */
function stripes(count: number, seed: number): Dataset {
  return {
    count,
    labels: Uint8Array.from({ length: count }, (_, index) => index % 2),
    read(index) {
      const random = new Random(seed, "stripes", [index, 0]), colour = [0, 0, 0].map(() => random.integer(256));
      const width = 16 + random.integer(9), height = 16 + random.integer(9), period = 2 + random.integer(4);
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
        const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
        return Math.floor((index % 2 === 0 ? y : x) / period) % 2 === 0 ? colour[i % 3] : 255 - colour[i % 3];
      });
      return { width, height, pixels };
    },
  };
}

/** Both parts of the set. */
export const stripesSet: ImageSet = {
  name: "stripes",
  classes: ["horizontal", "vertical"],
  shape: [3, 16, 16],
  train: stripes(256, 1),
  validation: stripes(64, 2),
  mirrorable: true,
};

if (import.meta.main) {
  const backend = await openBackend("auto");
  const model = modelByName("resnet8", { classes: 2, inputShape: stripesSet.shape });
  const augmentation = augmentationByName("auto", stripesSet);
  const { last } = await fit({ model, backend, set: stripesSet, epochs: 3, batch: 32, rate: 0.05, augmentation });
  console.log(`${backend.description}: ${(100 * last!.validation.top1).toFixed(1)} % of the stripes are right`);
  backend.destroy();
}
