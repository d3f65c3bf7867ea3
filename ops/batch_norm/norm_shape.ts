/** What every form of batch norm shares: attributes, argument checks, extents, and how a channel's elements are visited. */

import {
  type BadSample,
  elementCount,
  expectSpec,
  f32,
  float,
  type NumericArray,
  type OpSpec,
  ShapeError,
  type TensorSpec,
} from "../../core/mod.ts";

/** The attributes of batch norm in training. */
export type BatchNormAttributes = {
  /** The share of the batch's statistics in the running ones. */
  readonly momentum: number;
  /** What is added to the variance. */
  readonly epsilon: number;
};

/** An activation clamp(y, 0, ceiling) in the same pass. */
export interface FusedActivation {
  /** The name of the op; that of its gradient is `${name}Gradient`. */
  readonly name: "relu" | "relu6";
  /** The largest value of its output. */
  readonly ceiling: number;
}

/** What follows the normalisation in the same pass. */
export interface Epilogue {
  /** The activation, if one follows. */
  readonly activation?: FusedActivation;
  /** Whether a residual is added before ReLU; it is the last input. */
  readonly residual: boolean;
}

/** Extents of [N, C, H, W]. */
export interface Extents {
  /** The batch size N. */
  readonly batch: number;
  /** The channels C. */
  readonly channels: number;
  /** Positions of a plane: H·W. */
  readonly plane: number;
  /** Elements of a channel: N·H·W. */
  readonly count: number;
}

/** The extents of a tensor. */
export function extentsOf({ shape }: TensorSpec): Extents {
  const plane = elementCount(shape.slice(2));
  return { batch: shape[0], channels: shape[1], plane, count: shape[0] * plane };
}

/** Checks [N, C, H, W] and then one [C] for each of the names. */
export function expectNormInputs(
  op: string,
  inputs: readonly TensorSpec[],
  channelNames: readonly string[],
  first = 1,
): void {
  expectSpec(op, "input", inputs[first - 1], ["N", "C", "H", "W"], "float");
  channelNames.forEach((name, index) => expectSpec(op, name, inputs[first + index], [inputs[first - 1].shape[1]]));
}

/** Checks the residual of a fused op. */
export function expectResidual(op: string, inputs: readonly TensorSpec[], epilogue: Epilogue): void {
  if (epilogue.residual) expectSpec(op, "residual", inputs[5], inputs[0].shape, inputs[0].dtype);
}

/** Checks that a variance can be taken. */
export function expectSeveral(op: string, input: TensorSpec): void {
  if (extentsOf(input).count > 1) return;
  throw new ShapeError(
    `${op}: expected more than 1 value per channel when training but input is [${input.shape.join(", ")}]`,
  );
}

/** The shapes by which the forms of batch norm are checked. */
export const NORM_SHAPES: readonly (readonly number[])[] = [
  [2, 1, 1, 1],
  [1, 3, 5, 7],
  [5, 7, 1, 1],
  [3, 6, 9, 9],
  // Several parts of a channel; also several groups of channels; also planes in pieces.
  [9, 2, 31, 33],
  [3, 40, 16, 16],
  [2, 1, 91, 93],
];

const RELU: FusedActivation = { name: "relu", ceiling: Infinity },
  RELU6: FusedActivation = { name: "relu6", ceiling: 6 };

/** The plain form, ReLU or ReLU6 after it, and a residual and ReLU after it. */
export const EPILOGUES: Readonly<Record<string, Epilogue>> = {
  "": { residual: false },
  Relu: { activation: RELU, residual: false },
  Relu6: { activation: RELU6, residual: false },
  AddRelu: { activation: RELU, residual: true },
};

/** WGSL of the activation's ceiling as a unit, or nothing where it has none. */
export function ceilingWgsl({ ceiling }: FusedActivation): string | undefined {
  return Number.isFinite(ceiling) ? `Unit(${float(ceiling)})` : undefined;
}

/** The shapes of a form's samples; of a form with a ceiling, fewer: elements, and vectors in several parts. */
export function sampleShapes({ activation }: Epilogue): readonly (readonly number[])[] {
  return (activation?.ceiling ?? Infinity) === Infinity ? NORM_SHAPES : [[3, 6, 9, 9], [3, 40, 16, 16]];
}

/** Scales a sample's gamma, so that some results exceed the activation's ceiling. */
export function exceedCeiling({ activation }: Epilogue, gamma: NumericArray): void {
  const ceiling = activation?.ceiling ?? Infinity;
  if (ceiling !== Infinity) gamma.forEach((value, c) => gamma[c] = ceiling * value);
}

/** What a form that takes the batch's statistics must refuse: four inputs of a channel each, and maybe a residual. */
export function badNormSamples({ residual }: Epilogue): BadSample[] {
  const norm = (shape: readonly number[], channels: number) => [f32(shape), ...Array(4).fill(f32([channels]))];
  return [
    { inputs: norm([2, 3, 4, 4], 2), message: "expected gamma to be f32 [3]" },
    residual
      ? { inputs: [...norm([2, 3, 4, 4], 3), f32([2, 3, 4, 5])], message: "expected residual to be" }
      : { inputs: norm([1, 3, 1, 1], 3), message: "expected more than 1 value per channel" },
  ];
}

/** The number of multiplications and additions an element takes, about. */
export function normCost(spec: OpSpec, perElement: number): number {
  return perElement * elementCount(spec.inputs[0].shape);
}

/** The mean and the biased variance of each channel, by plain loops. */
export function momentsOf(x: NumericArray, e: Extents): { readonly mean: number; readonly variance: number }[] {
  return Array.from({ length: e.channels }, (_, c) => {
    const values: number[] = [];
    for (let n = 0; n < e.batch; n++) {
      const from = (n * e.channels + c) * e.plane;
      for (let i = from; i < from + e.plane; i++) values.push(x[i]);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / e.count;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / e.count };
  });
}
