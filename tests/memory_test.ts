/** Memory on the CPU: known before it is taken, and given back when there is not enough. */

import { CpuBackend } from "../core/mod.ts";
import { checkMemoryNeed } from "./_memory.ts";

Deno.test("what training takes on the CPU is known by planning, to the byte", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  await checkMemoryNeed(backend);
  backend.destroy();
});
