/** Loaded models on WebGPU. */

import { assert, assertEquals } from "@std/assert";
import { type TuneOptions, TuningTable } from "../core/mod.ts";
import { compileFoldedInference, loadModel } from "../inference/mod.ts";
import { encodeCheckpoint, Variables } from "../weights/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { checkLoadedModel, info, model, tensors } from "./_load_model.ts";
import { randomChoices } from "./_random_choices.ts";
import { randomImages, relativeDifference } from "./_random_model.ts";

const BATCH = 3;

gpuTest(
  "a loaded model predicts any number of images on WebGPU, and gives its memory back",
  (backend) => checkLoadedModel(backend, [{ fold: true, batch: BATCH }]),
);

gpuTest("a loaded model takes the kernels that are shipped with it, and predicts the same", async (backend) => {
  const images = randomImages(model, BATCH), table = new TuningTable(backend.tuner.identity);
  for (const size of [1, BATCH]) {
    const variables = new Variables();
    const program = await compileFoldedInference(model, backend, size, variables, tensors, "the test");
    for (const [key, choice] of randomChoices(backend, program.plan, 3)) table.set(key, choice);
    program.destroy();
    variables.destroy();
  }
  const shipped = TuningTable.parse(JSON.stringify(table), "the test"), asked = new Set<string>();
  const store = {
    get(key: string) {
      asked.add(key);
      return shipped.get(key);
    },
    set: () => assert(false, "nothing was to be timed"),
  };
  const logitsOf = async (tune?: TuneOptions) => {
    const loaded = await loadModel(encodeCheckpoint(tensors, info), { backend, batch: BATCH, tune });
    const predictions = await loaded.predictTensor(images);
    loaded.destroy();
    return predictions.map(({ logits }) => logits);
  };
  const plain = await logitsOf(), tuned = await logitsOf({ store, measure: false });
  assertEquals([...asked].sort(), table.entries().map(([key]) => key).sort());
  tuned.forEach((logits, k) => assert(relativeDifference(logits, plain[k]) < 1e-4, `image ${k}`));
});
