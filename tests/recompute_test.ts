/** Recomputation on the CPU: the same bits in less memory. */

import { CpuBackend } from "../core/mod.ts";
import { checkRecomputed, RECOMPUTED } from "./_recompute.ts";

for (const [name, model, op] of RECOMPUTED) {
  Deno.test(`recompute changes no bit of ${name} on the CPU`, async () => {
    const backend = await CpuBackend.create({ threads: 2 });
    await checkRecomputed(backend, model, op);
    backend.destroy();
  });
}
