/** Known answers of every family of kernels on an adapter. */

import { checkOp, DeviceError, listOps, type Op, type WebGpuBackend } from "../../core/mod.ts";
// Registers the ops.
import "../../ops/mod.ts";

/** What was found. */
export interface KernelReport {
  /** The number of ops that have kernels. */
  readonly ops: number;
  /** The number of results that were right. */
  readonly right: number;
  /** What was wrong, a sentence for each: the op, its sample, the kernel, the element, and both values. */
  readonly wrong: readonly string[];
}

/**
 * Runs a covering set of kernels on random numbers: each family and configuration on some sample, each sample by some kernel.
 * Their results are held against float64.
 *
 * @param ops The ops whose kernels are checked. Defaults to all.
 * @throws {DeviceError} If the device is lost, or hangs.
 */
export async function checkKernels(backend: WebGpuBackend, ops: readonly Op[] = listOps()): Promise<KernelReport> {
  const all = ops.filter(({ webgpu }) => webgpu !== undefined), wrong: string[] = [];
  let right = 0;
  for (const op of all) {
    const step = async (_name: string, run: () => Promise<void>) => {
      try {
        await run();
      } catch (error) {
        // What a lost device gets wrong is no kernel's fault.
        backend.check();
        if (!(error instanceof Error)) throw error;
        wrong.push(error.message);
      }
    };
    const { comparisons } = await checkOp(op, { backends: [backend], variants: "covering", rules: false, step });
    right += comparisons;
  }
  return { ops: all.length, right, wrong };
}

/** The most wrong answers that are told one by one. */
const TOLD = 5;

/**
 * The error of a device that gives wrong answers.
 *
 * @param device What computed them.
 * @param wrong What was wrong.
 */
export function wrongAnswers(device: string, wrong: readonly string[]): DeviceError {
  const told = wrong.slice(0, TOLD).join("; "), more = wrong.length > TOLD ? `; and ${wrong.length - TOLD} more` : "";
  return new DeviceError(
    `${device} computes wrong answers, so nothing that it trains or predicts can be trusted; update the ` +
      `driver or use --backend cpu: ${told}${more}`,
  );
}
