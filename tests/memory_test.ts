/** Memory on the CPU: known before it is taken, and given back when there is not enough. */

import { CpuBackend } from "../core/mod.ts";
import { checkAccumulation, checkDivision, checkMemoryNeed, checkRefusal, type OpenLimited } from "./_memory.ts";

Deno.test("what training takes on the CPU is known by planning, to the byte", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  await checkMemoryNeed(backend);
  backend.destroy();
});

Deno.test("a batch in parts takes no more memory on the CPU than a whole one, beside the mean gradients", () =>
  checkAccumulation(new CpuBackend()));

const own = new CpuBackend().liveBytes;
const open: OpenLimited = (bytes) => CpuBackend.create({ threads: 1, memory: own + bytes });

Deno.test("what does not fit on the CPU leaves nothing behind, and an error that names the largest batch", () =>
  checkRefusal(open));

Deno.test("fit() divides batches into as few parts as fit on the CPU", () => checkDivision(open));
