/** What must hold of a loaded model on any backend. */

import { assert, assertEquals } from "@std/assert";
import { type Backend, CpuBackend, elementCount } from "../core/mod.ts";
import { defaultPreprocessing, Preprocessor, toRgb } from "../data/mod.ts";
import { type CheckpointInfo, describedModel, encodeCheckpoint, Variables } from "../weights/mod.ts";
import { compileInference, loadModel } from "../inference/mod.ts";
import { randomImages, randomTensors, relativeDifference } from "./_random_model.ts";

const description = { name: "resnet8", classes: 7, inputShape: [3, 12, 10] } as const;

/** A small network with random weights. */
export const model = describedModel(description);

/** Its tensors. */
export const tensors = randomTensors(model, 6);

/** What a checkpoint says of it. */
export const info: CheckpointInfo = {
  model: description,
  classes: ["a", "b", "c", "d", "e", "f", "g"],
  normalisation: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] },
};

/** Random RGB images of several sizes. */
export function photos(count: number): { width: number; height: number; pixels: Uint8Array }[] {
  return Array.from({ length: count }, (_, k) => {
    const width = 9 + 7 * k % 31, height = 12 + 5 * k % 23;
    return { width, height, pixels: Uint8Array.from({ length: width * height * 3 }, () => Math.random() * 256) };
  });
}

/** Images come out as the network's own program on the CPU has them, whatever the batch and the number of images. */
export async function checkLoadedModel(
  backend: Backend,
  kinds: readonly { readonly fold: boolean; readonly batch: number }[],
): Promise<void> {
  const before = backend.liveBytes, count = 11, images = randomImages(model, count);
  const variables = new Variables(), program = await compileInference(model, new CpuBackend(), count, variables);
  variables.write(tensors, "the test");
  program.write("image", images);
  program.run();
  const expected = await program.read("logits") as Float32Array;
  program.destroy();
  variables.destroy();
  for (const { fold, batch } of kinds) {
    const loaded = await loadModel(encodeCheckpoint(tensors, info), { backend, fold, batch });
    assertEquals([loaded.batch, ...loaded.inputShape], [batch, 3, 12, 10]);
    const loadedBytes = backend.liveBytes, size = elementCount(loaded.inputShape);
    for (const part of [count, 1, 0, 3, 5]) {
      const predictions = await loaded.predictTensor(images.subarray(0, part * size));
      assertEquals(predictions.length, part);
      for (const [k, { logits }] of predictions.entries()) {
        const difference = relativeDifference(logits, expected.subarray(k * 7, k * 7 + 7));
        assert(difference < 1e-4, `fold ${fold}, batch ${batch}, image ${k} of ${part}: ${difference}`);
      }
    }
    assertEquals(backend.liveBytes, loadedBytes);
    await checkImages(loaded);
    loaded.destroy();
    assertEquals(backend.liveBytes, before);
  }
}

async function checkImages(loaded: Awaited<ReturnType<typeof loadModel>>): Promise<void> {
  const list = photos(6), size = elementCount(loaded.inputShape), tensor = new Float32Array(6 * size);
  const preprocessor = new Preprocessor({ ...info, preprocessing: defaultPreprocessing(model.inputShape) });
  for (const [k, image] of list.entries()) {
    preprocessor.write(toRgb(image), tensor.subarray(k * size, (k + 1) * size));
    assertEquals(loaded.prepare(image), tensor.slice(k * size, (k + 1) * size));
  }
  // Asked at once, answered in order.
  const [first, wrong, second, ready] = await Promise.all([
    loaded.predict(list.slice(0, 5), { top: 7 }),
    loaded.predict({ width: 3, height: 3, pixels: new Uint8Array(5) }).catch((error) => error.message),
    loaded.predict(list[5], { top: 7 }),
    loaded.predictTensor(tensor, { top: 7 }),
  ]);
  assertEquals(wrong, "image 0: expected 1, 3 or 4 bytes a pixel but 3 x 3 pixels came with 5 bytes");
  for (const [k, { logits, top }] of [...first, ...second].entries()) {
    const difference = relativeDifference(logits, ready[k].logits);
    assert(difference < 1e-4, `photo ${k}: ${difference}`);
    assert(Math.abs(top.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-12);
    assert(top.every(({ probability }, rank) => rank === 0 || probability <= top[rank - 1].probability));
    for (const { label, index, probability } of top) {
      assertEquals(label, info.classes[index]);
      const ratio = Math.exp(logits[index] - logits[top[0].index]) * top[0].probability;
      assert(Math.abs(probability - ratio) < 1e-12);
    }
  }
}
