/** A network is trained for a moment, loaded from its checkpoint as an application would, and asked about pictures. */

import { type DecodedImage, encodeCheckpoint, fit, loadModel, modelByName, openBackend, shapesSet } from "../mod.ts";

const set = shapesSet({ trainCount: 320, validationCount: 20 });

/** Trains a ResNet-8 on drawn shapes. What comes back is what a file of weights holds. */
async function train(): Promise<Uint8Array> {
  const backend = await openBackend("auto"), model = modelByName("resnet8");
  try {
    const { tensors, normalisation } = await fit({ model, backend, set, epochs: 3, batch: 16, rate: 0.05 });
    return encodeCheckpoint(tensors, { model: { name: "resnet8" }, classes: set.classes, normalisation });
  } finally {
    backend.destroy();
  }
}

/** A picture that it was not trained on: its channels lie one after the other, and are put side by side. */
function picture(index: number): DecodedImage {
  const planes = set.validation.pixels.subarray(index * 3072, (index + 1) * 3072);
  return { width: 32, height: 32, pixels: planes.map((_, i) => planes[(i % 3) * 1024 + Math.trunc(i / 3)]) };
}

const model = await loadModel(await train(), { batch: 4 });
const pictures = [0, 1, 2, 3].map(picture);
for (const [index, { top }] of (await model.predict(pictures, { top: 2 })).entries()) {
  const answers = top.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`);
  console.log(`a ${set.classes[set.validation.labels[index]]}: ${answers.join(", ")}`);
}
model.destroy();
