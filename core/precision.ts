/** Checks whether a backend supports mixed precision. */

import type { Precision } from "./graph/autocast.ts";
import type { Backend } from "./backend.ts";
import { UsageError } from "./util/errors.ts";
import { argument, sentence } from "./util/sentence.ts";

/**
 * Checks that a backend supports a precision.
 *
 * @throws {UsageError} If it does not: the reason and the alternatives.
 *
 * @example
 * ```ts
 * import { CpuBackend, expectPrecision } from "@residua/residua/core";
 * await expectPrecision(new CpuBackend(), "float32");
 * ```
 */
export async function expectPrecision(backend: Backend, precision: Precision): Promise<void> {
  if (precision === "float32") return;
  if (precision !== "mixed") {
    throw new UsageError(`Expected the precision to be float32 or mixed but it is ${precision}`);
  }
  const problem = await backend.whyNoFloat16();
  if (problem === undefined) return;
  throw new UsageError(
    sentence`Mixed precision cannot be had: ${problem}; use ${
      argument("backend", "webgpu")
    } on a GPU with float16, or ${argument("precision", "float32")}`,
  );
}
