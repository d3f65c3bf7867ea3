/** Convolutions of random shapes on WebGPU, by the kernels that the policy chooses and by others at random. */

import { assert } from "@std/assert";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkRandomConvolutions, seedOfDay } from "./_random_convolutions.ts";

gpuTest(`random convolutions and their gradients conform on WebGPU (RESIDUA_SEED=${seedOfDay()})`, async (backend) => {
  const checked = await checkRandomConvolutions([backend], {
    count: ALL ? 24 : 8,
    seconds: ALL ? 60 : 20,
    choosers: (random) => [undefined, (_node, variants) => random.integer(variants.length)],
  });
  assert(checked > 0);
});
