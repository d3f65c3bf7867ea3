/** Convolution and its gradients. */

export * from "./conv2d.ts";
export * from "./fused.ts";
export * from "./fused_input_gradient.ts";
export {
  conv2dInputGradient,
  conv2dWeightGradient,
  type InputGradientAttributes,
  type WeightGradientAttributes,
} from "./gradients.ts";
export type { EpilogueActivation, EpilogueAttributes } from "./epilogue.ts";
export type { ConvolutionAttributes } from "./problem.ts";
