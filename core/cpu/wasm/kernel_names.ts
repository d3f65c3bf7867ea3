/** Listed from assembly/dispatch.ts by `deno task build:wasm`; do not edit. */

/** The name of a WebAssembly kernel. */
export type CpuKernelName =
  | "packRows"
  | "gemm"
  | "convolution"
  | "convolutionInputGradient"
  | "convolutionWeightGradient"
  | "convolutionWeightGradientSum"
  | "winogradWeights"
  | "winograd"
  | "winogradWeightGradient"
  | "winogradWeightGradientSum"
  | "depthwise"
  | "depthwiseInputGradient"
  | "depthwiseWeightGradient"
  | "fillRows"
  | "batchNorm"
  | "batchNormStatistics"
  | "batchNormJoin"
  | "batchNormApply"
  | "batchNormInference"
  | "batchNormGradient"
  | "batchNormGradientSums"
  | "batchNormGradientJoin"
  | "batchNormGradientApply"
  | "clampElements"
  | "clampElementsGradient"
  | "addElements"
  | "sgdElements"
  | "channelSums"
  | "channelPartSums"
  | "channelSumJoin"
  | "columnSums"
  | "spreadPlanes"
  | "maxPool"
  | "maxPoolGradient"
  | "averagePool"
  | "averagePoolGradient"
  | "subsample"
  | "subsampleGradient"
  | "packPointwise"
  | "pointwiseWeightGradient"
  | "depthwise3x3"
  | "depthwise3x3Spread"
  | "packSharedColumns"
  | "packSharedPositions"
  | "sharedColumns"
  | "depthwise3x3WeightGradient"
  | "dilatedMaxPool"
  | "divideByWindows"
  | "rmspropElements"
  | "adamwElements"
  | "batchNormMoments"
  | "pointwiseConvolution"
  | "packFewRows"
  | "fewRows";

/** The kernels; a kernel's index is its number. */
export const KERNEL_NAMES: readonly CpuKernelName[] = [
  "packRows",
  "gemm",
  "convolution",
  "convolutionInputGradient",
  "convolutionWeightGradient",
  "convolutionWeightGradientSum",
  "winogradWeights",
  "winograd",
  "winogradWeightGradient",
  "winogradWeightGradientSum",
  "depthwise",
  "depthwiseInputGradient",
  "depthwiseWeightGradient",
  "fillRows",
  "batchNorm",
  "batchNormStatistics",
  "batchNormJoin",
  "batchNormApply",
  "batchNormInference",
  "batchNormGradient",
  "batchNormGradientSums",
  "batchNormGradientJoin",
  "batchNormGradientApply",
  "clampElements",
  "clampElementsGradient",
  "addElements",
  "sgdElements",
  "channelSums",
  "channelPartSums",
  "channelSumJoin",
  "columnSums",
  "spreadPlanes",
  "maxPool",
  "maxPoolGradient",
  "averagePool",
  "averagePoolGradient",
  "subsample",
  "subsampleGradient",
  "packPointwise",
  "pointwiseWeightGradient",
  "depthwise3x3",
  "depthwise3x3Spread",
  "packSharedColumns",
  "packSharedPositions",
  "sharedColumns",
  "depthwise3x3WeightGradient",
  "dilatedMaxPool",
  "divideByWindows",
  "rmspropElements",
  "adamwElements",
  "batchNormMoments",
  "pointwiseConvolution",
  "packFewRows",
  "fewRows",
];
