/** Divergence on WebGPU, where results are read some steps late. */

import { checkDivergence } from "./_divergence.ts";
import { gpuTest } from "./_gpu.ts";

gpuTest("fit() ends with an error where the last step diverges, and saves nothing of it, on WebGPU", checkDivergence);
