/**
 * Every registered op on WebGPU against float64: a covering set of the variants of its kernels, which has each family and
 * configuration on some sample and each sample by some variant, or with RESIDUA_TEST=all every variant of every sample. On
 * another implementation than Deno's, and of fused convolutions, it is the covering set at most. What no device has a
 * part in, `conformance_test.ts` checks.
 */

import { checkOp, type CheckOptions, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";
import { ALL } from "./_all.ts";
import { gpuTest, implementation } from "./_gpu.ts";

/** Ops whose kernels are another op's with other loads or stores: each family is tried, configurations by the other op. */
const isDerived = (name: string): boolean => /Fused$|^(conv2dInput|linearInput|linearWeight)Gradient$/.test(name);

function variantsOf(name: string): CheckOptions["variants"] {
  const isDeno = implementation === "deno";
  if (ALL) return isDeno && !name.endsWith("Fused") ? "all" : "covering";
  return isDerived(name) || (!isDeno && name.includes("onv2d")) ? "families" : "covering";
}

for (const op of listOps()) {
  gpuTest(`${op.name} conforms on WebGPU`, async (backend, t) => {
    const report = await checkOp(op, {
      backends: [backend],
      seed: 2,
      rules: false,
      variants: variantsOf(op.name),
      step: (name, run) => t.step(name, run),
    });
    assert(report.comparisons > 0);
  });
}
