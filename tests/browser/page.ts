/** What the browser test bundles: a few training steps, whose losses the page gives, and the conformance of some ops. */

import { checkOp, listOps, openBackend } from "../../core/mod.ts";
import { cifarResNet } from "../../models/mod.ts";
import { losses } from "../_training.ts";

/** Whose kernels a software adapter compiles in seconds. */
const OPS = ["relu", "add", "maxPool2d", "globalAveragePool", "sgdUpdate"];

/** The description of a backend, its losses, and for each op that is checked how many values were compared. */
async function report(name: "cpu" | "webgpu", checks: boolean): Promise<unknown> {
  // One thread a core, of two: a page that is told a number wants it or an error.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 });
  using backend = await openBackend(name);
  const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), found = await losses(backend, model, 3, 0.05);
  const { description } = backend;
  if (!checks) return { description, losses: found };
  const compared: Record<string, number> = {};
  for (const op of listOps().filter(({ name }) => OPS.includes(name))) {
    const { comparisons } = await checkOp(op, { backends: [backend], seed: 2, variants: "covering" });
    compared[op.name] = comparisons;
  }
  return { description, losses: found, compared };
}

Object.assign(globalThis, { report });
