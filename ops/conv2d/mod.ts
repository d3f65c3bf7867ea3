/** Convolution and its gradients. */

export * from "./conv2d.ts";
export * from "./gradients.ts";
export type { ConvolutionAttributes } from "./geometry.ts";
