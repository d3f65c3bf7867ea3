/** Holds your op to its float64 reference on each backend of this machine, and its gradient to differences. */

import { openBackend } from "@residua/residua";
import { checkOp } from "@residua/residua/core";
import { squareplus } from "./op.ts";

Deno.test("squareplus is right", async () => {
  const backends = [await openBackend("cpu")];
  // Where there is an adapter, its kernels are checked too.
  const auto = await openBackend("auto");
  if (auto.name === "webgpu") backends.push(auto);
  await checkOp(squareplus, { backends });
  for (const backend of new Set([...backends, auto])) backend.destroy();
});
