/** Listed from assembly/dispatch.ts by `deno task build:wasm`; do not edit. */

/** The WebAssembly kernels; a kernel's place is its number. */
export const KERNEL_NAMES = [
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
] as const;
