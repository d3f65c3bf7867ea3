/** The process of `dawn_test.ts`: prints the losses of some steps on Dawn, with a backend that alone keeps the implementation. */

import { openBackend } from "../core/mod.ts";
import { loadGpu } from "../cli/gpu/load_gpu.ts";
import { losses, SMALL } from "./_training.ts";

const backend = await openBackend("webgpu", { gpu: await loadGpu("dawn") });
console.log(JSON.stringify(await losses(backend, SMALL, 3, 0.05)));
await backend.finish();
backend.destroy();
