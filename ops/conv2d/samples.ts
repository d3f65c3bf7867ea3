/** The cases by which convolution and its gradients are checked: each names what is awkward about it. */

import { f32, type TensorSpec } from "../../core/mod.ts";
import { CONVOLUTION_DEFAULTS, type ConvolutionAttributes, convolutionProblem } from "./problem.ts";

/** Shapes and attributes of one convolution. */
export interface ConvolutionCase {
  /** What is awkward about it. */
  readonly about: string;
  /** The input's shape. */
  readonly input: readonly number[];
  /** The weight's shape. */
  readonly weight: readonly number[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Partial<ConvolutionAttributes>;
}

/** All cases. */
export const CONVOLUTION_CASES: readonly ConvolutionCase[] = [
  { about: "one of everything", input: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { about: "3x3, as in a residual block", input: [2, 8, 8, 8], weight: [16, 8, 3, 3], attributes: { padding: [1, 1] } },
  {
    about: "channels that no tile divides",
    input: [2, 3, 7, 9],
    weight: [5, 3, 3, 3],
    attributes: { padding: [1, 1] },
  },
  {
    about: "stride 2 on an odd size",
    input: [1, 4, 9, 7],
    weight: [6, 4, 3, 3],
    attributes: { stride: [2, 2], padding: [1, 1] },
  },
  {
    about: "stride 2 on an even size",
    input: [3, 4, 8, 8],
    weight: [8, 4, 3, 3],
    attributes: { stride: [2, 2], padding: [1, 1] },
  },
  { about: "a projection shortcut", input: [2, 6, 8, 8], weight: [12, 6, 1, 1], attributes: { stride: [2, 2] } },
  { about: "pointwise", input: [3, 7, 5, 5], weight: [9, 7, 1, 1] },
  { about: "pointwise with padding", input: [1, 2, 3, 3], weight: [3, 2, 1, 1], attributes: { padding: [1, 1] } },
  {
    about: "a 1x1 image under a padded 3x3 kernel",
    input: [5, 4, 1, 1],
    weight: [4, 4, 3, 3],
    attributes: { padding: [1, 1] },
  },
  { about: "dilation", input: [1, 2, 11, 10], weight: [4, 2, 3, 3], attributes: { dilation: [2, 3], padding: [2, 3] } },
  {
    about: "an uneven kernel, stride and padding",
    input: [2, 2, 9, 8],
    weight: [3, 2, 5, 2],
    attributes: { stride: [1, 3], padding: [2, 0] },
  },
  {
    about: "the ImageNet stem",
    input: [1, 3, 15, 15],
    weight: [8, 3, 7, 7],
    attributes: { stride: [2, 2], padding: [3, 3] },
  },
  {
    about: "more taps than are unrolled",
    input: [1, 2, 12, 12],
    weight: [2, 2, 9, 8],
    attributes: { padding: [4, 4] },
  },
  {
    about: "a kernel wider than the tile and the unrolled row",
    input: [1, 1, 3, 20],
    weight: [2, 1, 1, 17],
    attributes: { padding: [0, 8] },
  },
  { about: "groups", input: [2, 6, 6, 5], weight: [9, 2, 3, 3], attributes: { groups: 3, padding: [1, 1] } },
  {
    about: "depthwise",
    input: [2, 5, 7, 7],
    weight: [5, 1, 3, 3],
    attributes: { groups: 5, padding: [1, 1], stride: [2, 2] },
  },
  {
    about: "depthwise with tiles that are not full",
    input: [2, 3, 19, 12],
    weight: [3, 1, 3, 3],
    attributes: { groups: 3, padding: [1, 1] },
  },
  {
    about: "depthwise with stride 2 in whole vectors",
    input: [1, 3, 18, 16],
    weight: [3, 1, 5, 5],
    attributes: { groups: 3, padding: [2, 2], stride: [2, 2] },
  },
  { about: "depthwise with a multiplier", input: [1, 3, 6, 6], weight: [6, 1, 3, 3], attributes: { groups: 3 } },
  {
    about: "depthwise with planes of one tile",
    input: [3, 5, 4, 4],
    weight: [5, 1, 3, 3],
    attributes: { groups: 5, padding: [1, 1] },
  },
  {
    about: "depthwise with a multiplier, padding, and tiles that overlap",
    input: [2, 3, 7, 9],
    weight: [6, 1, 3, 3],
    attributes: { groups: 3, padding: [1, 1] },
  },
  {
    about: "depthwise with stride 2 and even planes",
    input: [2, 5, 6, 12],
    weight: [5, 1, 3, 3],
    attributes: { groups: 5, padding: [1, 1], stride: [2, 2] },
  },
  { about: "pointwise, with tiles that are not full", input: [3, 18, 6, 6], weight: [21, 18, 1, 1] },
  { about: "pointwise to one channel", input: [2, 3, 3, 3], weight: [1, 3, 1, 1] },
  { about: "pointwise, with images smaller than a vector", input: [9, 5, 1, 3], weight: [7, 5, 1, 1] },
  {
    about: "several tiles along each axis, none of them full",
    input: [2, 9, 19, 12],
    weight: [18, 9, 3, 3],
    attributes: { padding: [1, 1] },
  },
  {
    about: "stride 2 with tiles that are not full",
    input: [1, 17, 22, 20],
    weight: [17, 17, 3, 3],
    attributes: { stride: [2, 2], padding: [1, 1] },
  },
  {
    about: "an image that stride skips parts of",
    input: [1, 2, 8, 8],
    weight: [3, 2, 2, 2],
    attributes: { stride: [3, 3] },
  },
  ...[1, 3].map((groups) => ({
    about: `taps that all lie outside, ${groups === 1 ? "dense" : "depthwise"}`,
    input: [2, 3, 5, 2],
    weight: [3, 3 / groups, 3, 3],
    attributes: { groups, stride: [1, 3], padding: [1, 4], dilation: [1, 3] } as const,
  })),
  {
    about: "depthwise with two rows left",
    input: [2, 5, 6, 7],
    weight: [5, 1, 3, 3],
    attributes: { groups: 5, padding: [1, 1] },
  },
  {
    about: "stride 2 with TensorFlow's padding, which differs on each side",
    input: [2, 6, 8, 9],
    weight: [7, 6, 3, 4],
    attributes: { stride: [2, 2], padding: [0, 1, 1, 2] },
  },
];

/** The specifications of a case. */
export function convolutionCaseSpecs(sample: ConvolutionCase): {
  input: TensorSpec;
  weight: TensorSpec;
  output: TensorSpec;
  attributes: ConvolutionAttributes;
} {
  const attributes = { ...CONVOLUTION_DEFAULTS, ...sample.attributes };
  const g = convolutionProblem("conv2d", sample.input, sample.weight, attributes);
  const output = f32([g.batch, g.groups * g.groupOutputs, g.outputHeight, g.outputWidth]);
  return { input: f32(sample.input), weight: f32(sample.weight), output, attributes };
}
