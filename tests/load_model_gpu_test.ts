/** Loaded models on WebGPU. */

import { checkLoadedModel } from "./_load_model.ts";
import { gpuTest } from "./_gpu.ts";

gpuTest(
  "a loaded model predicts any number of images on WebGPU, and gives its memory back",
  (backend) => checkLoadedModel(backend, [{ fold: true, batch: 4 }]),
);
