/** Memory on WebGPU: known before it is taken, and given back when there is not enough. */

import { gpuTest } from "./_gpu.ts";
import { checkMemoryNeed } from "./_memory.ts";

gpuTest("what training takes on WebGPU is known by planning, to the byte", checkMemoryNeed);
