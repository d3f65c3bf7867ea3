/** The epilogue of a convolution, in the same kernel: a residual is added, then an activation is applied. */

import { type CpuArgument, reluWgsl, ShapeError, type WebGpuKernel } from "../../core/mod.ts";

/** The activation in an epilogue. */
export type EpilogueActivation = "none" | "relu" | "relu6";

/** An epilogue, as attributes. */
export type EpilogueAttributes = {
  /** The activation, after everything else. */
  readonly activation: EpilogueActivation;
  /** Whether the last input, of the output's shape, is added before the activation. */
  readonly residual: boolean;
};

/** An epilogue that changes nothing. */
export const NO_EPILOGUE: EpilogueAttributes = { activation: "none", residual: false };

/** The least and the largest output. */
const RANGES: Readonly<Record<EpilogueActivation, readonly [number, number]>> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** The indices of a convolution's buffers, its inputs and then its output, and its epilogue; input and weight are the first two. */
export interface ConvolutionOperands {
  /** The bias, if there is one. */
  readonly bias?: number;
  /** The residual, if there is one. */
  readonly residual?: number;
  /** What must be positive where the result is not to be 0, if there is such a mask: the output of a ReLU. */
  readonly mask?: number;
  /** The output. */
  readonly output: number;
  /** The epilogue. */
  readonly epilogue: EpilogueAttributes;
}

/** The operands of a convolution of N inputs. */
export function operandsOf(inputs: number, epilogue: EpilogueAttributes = NO_EPILOGUE): ConvolutionOperands {
  const last = epilogue.residual ? inputs - 1 : inputs;
  return {
    bias: last > 2 ? 2 : undefined,
    residual: epilogue.residual ? last : undefined,
    output: inputs,
    epilogue,
  };
}

/** Checks the activation of an epilogue. */
export function expectActivation(op: string, activation: string): void {
  if (Object.hasOwn(RANGES, activation)) return;
  throw new ShapeError(
    `${op}: expected activation to be one of ${Object.keys(RANGES).join(", ")} but it is ${activation}`,
  );
}

/** Applies an epilogue to an output. */
export function applyEpilogue({ activation }: EpilogueAttributes, value: number, residual: number): number {
  const [least, largest] = RANGES[activation], sum = value + residual;
  return sum < least ? least : sum > largest ? largest : sum;
}

/** Where a kernel writes, and the bias that it begins with, 0 where there is none. */
export function outputArguments({ output, bias }: ConvolutionOperands): CpuArgument[] {
  return [{ buffer: output }, bias === undefined ? 0 : { buffer: bias }];
}

/** The arguments of `core/cpu/wasm/assembly/epilogue.ts`. */
export function epilogueArguments({ residual, epilogue }: ConvolutionOperands): CpuArgument[] {
  const [least, largest] = RANGES[epilogue.activation];
  return [residual === undefined ? 0 : { buffer: residual }, { float: least }, { float: largest }];
}

/** WGSL that applies the epilogue to `value`, the output at `index`: one element, or a vector of four. */
export function epilogueWgsl(
  { residual, mask, epilogue }: ConvolutionOperands,
  value: string,
  index: string,
  size: 1 | 4 = 1,
): string {
  const constant = (text: string) => size === 1 ? text : `vec4<f32>(${text})`;
  const sum = residual === undefined ? value : `${value} + residual[${index}]`;
  const { activation } = epilogue;
  if (mask !== undefined) return `select(${constant("0.0")}, ${sum}, mask[${index}] > ${constant("0.0")})`;
  if (activation === "none") return sum;
  return reluWgsl(sum, size, RANGES[activation][1]);
}

/** The bindings that {@link epilogueWgsl} needs, of elements or of vectors of four. */
export function residualBinding({ residual, mask }: ConvolutionOperands, vector = false): WebGpuKernel["bindings"] {
  return [
    ...(residual === undefined ? [] : [{ name: "residual", index: residual, vector }]),
    ...(mask === undefined ? [] : [{ name: "mask", index: mask, vector }]),
  ];
}

/** The bindings of the bias and the residual, where there are any. */
export function operandBindings(operands: ConvolutionOperands, vector = false): WebGpuKernel["bindings"] {
  const { bias } = operands;
  return [...(bias === undefined ? [] : [{ name: "bias", index: bias }]), ...residualBinding(operands, vector)];
}
