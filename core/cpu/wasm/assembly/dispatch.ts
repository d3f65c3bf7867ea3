/**
 * The kernels by number. The build reads their names from the cases below, so a kernel is added by a case and its
 * import.
 */

import {
  batchNorm, batchNormApply, batchNormInference, batchNormJoin, batchNormMoments, batchNormStatistics,
} from "./batch_norm";
import {
  batchNormGradient, batchNormGradientApply, batchNormGradientJoin, batchNormGradientSums,
} from "./batch_norm_gradient";
import { convolution, convolutionInputGradient } from "./convolution";
import { convolutionWeightGradient, convolutionWeightGradientSum } from "./convolution_weight_gradient";
import { depthwise, depthwiseInputGradient, depthwiseWeightGradient } from "./depthwise";
import { depthwise3x3, depthwise3x3Spread, depthwise3x3WeightGradient } from "./depthwise3x3";
import {
  adamwElements, addElements, clampElements, clampElementsGradient, rmspropElements, sgdElements,
} from "./elementwise";
import { fewRows, packFewRows } from "./few_rows";
import { fillRows, gemm, packRows } from "./gemm";
import { packPointwise, pointwiseWeightGradient } from "./pointwise";
import { pointwiseConvolution } from "./pointwise_convolution";
import { averagePool, averagePoolGradient, dilatedMaxPool, maxPool, maxPoolGradient } from "./pool";
import { packSharedColumns, packSharedPositions, sharedColumns } from "./shared_columns";
import { subsample, subsampleGradient } from "./subsample";
import { channelPartSums, channelSumJoin, channelSums, columnSums, spreadPlanes } from "./sums";
import { divideByWindows } from "./window_division";
import { winograd, winogradWeightGradient, winogradWeightGradientSum, winogradWeights } from "./winograd";

/**
 * Runs one task of a kernel.
 *
 * @param p The address of the stage's arguments.
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
    case 14: batchNorm(p, task, scratch); return;
    case 15: batchNormStatistics(p, task, scratch); return;
    case 16: batchNormJoin(p, task, scratch); return;
    case 17: batchNormApply(p, task, scratch); return;
    case 18: batchNormInference(p, task, scratch); return;
    case 19: batchNormGradient(p, task, scratch); return;
    case 20: batchNormGradientSums(p, task, scratch); return;
    case 21: batchNormGradientJoin(p, task, scratch); return;
    case 22: batchNormGradientApply(p, task, scratch); return;
    case 23: clampElements(p, task, scratch); return;
    case 24: clampElementsGradient(p, task, scratch); return;
    case 25: addElements(p, task, scratch); return;
    case 26: sgdElements(p, task, scratch); return;
    case 27: channelSums(p, task, scratch); return;
    case 28: channelPartSums(p, task, scratch); return;
    case 29: channelSumJoin(p, task, scratch); return;
    case 30: columnSums(p, task, scratch); return;
    case 31: spreadPlanes(p, task, scratch); return;
    case 32: maxPool(p, task, scratch); return;
    case 33: maxPoolGradient(p, task, scratch); return;
    case 34: averagePool(p, task, scratch); return;
    case 35: averagePoolGradient(p, task, scratch); return;
    case 36: subsample(p, task, scratch); return;
    case 37: subsampleGradient(p, task, scratch); return;
    case 38: packPointwise(p, task, scratch); return;
    case 39: pointwiseWeightGradient(p, task, scratch); return;
    case 40: depthwise3x3(p, task, scratch); return;
    case 41: depthwise3x3Spread(p, task, scratch); return;
    case 42: packSharedColumns(p, task, scratch); return;
    case 43: packSharedPositions(p, task, scratch); return;
    case 44: sharedColumns(p, task, scratch); return;
    case 45: depthwise3x3WeightGradient(p, task, scratch); return;
    case 46: dilatedMaxPool(p, task, scratch); return;
    case 47: divideByWindows(p, task, scratch); return;
    case 48: rmspropElements(p, task, scratch); return;
    case 49: adamwElements(p, task, scratch); return;
    case 50: batchNormMoments(p, task, scratch); return;
    case 51: pointwiseConvolution(p, task, scratch); return;
    case 52: packFewRows(p, task, scratch); return;
    case 53: fewRows(p, task, scratch); return;
    default: unreachable();
  }
}
