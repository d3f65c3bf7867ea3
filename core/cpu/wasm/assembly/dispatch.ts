/** The kernels by number. The build reads their names from the cases below, so a kernel is added by a case and its import. */

import { convolution, convolutionInputGradient, convolutionWeightGradient, convolutionWeightGradientSum } from "./convolution";
import { depthwise, depthwiseInputGradient, depthwiseWeightGradient } from "./depthwise";
import { fillRows, gemm, packRows } from "./gemm";
import { winograd, winogradWeightGradient, winogradWeightGradientSum, winogradWeights } from "./winograd";

/**
 * Runs one task of a kernel.
 *
 * @param p The address of the phase's arguments.
 * @param scratch The address of the thread's own memory.
 */
export function runTask(kernel: i32, p: usize, task: i32, scratch: usize): void {
  switch (kernel) {
    case 0: packRows(p, task, scratch); return;
    case 1: gemm(p, task, scratch); return;
    case 2: convolution(p, task, scratch); return;
    case 3: convolutionInputGradient(p, task, scratch); return;
    case 4: convolutionWeightGradient(p, task, scratch); return;
    case 5: convolutionWeightGradientSum(p, task, scratch); return;
    case 6: winogradWeights(p, task, scratch); return;
    case 7: winograd(p, task, scratch); return;
    case 8: winogradWeightGradient(p, task, scratch); return;
    case 9: winogradWeightGradientSum(p, task, scratch); return;
    case 10: depthwise(p, task, scratch); return;
    case 11: depthwiseInputGradient(p, task, scratch); return;
    case 12: depthwiseWeightGradient(p, task, scratch); return;
    case 13: fillRows(p, task, scratch); return;
    default: unreachable();
  }
}
