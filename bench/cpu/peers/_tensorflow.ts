/** The part of TensorFlow.js that the benchmark uses, as types: the package is loaded only when it is measured. */

/** A tensor; NHWC, and HWIO for weights. */
export interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dataSync(): Float32Array;
  dispose(): void;
}

/** A variable. */
export interface TfVariable extends TfTensor {
  assign(value: TfTensor): void;
}

/** The functions. */
export interface Tf {
  readonly version: Readonly<Record<string, string>>;
  env(): { set(flag: string, value: unknown): void };
  setBackend(name: string): Promise<boolean>;
  tidy<T>(body: () => T): T;
  keep<T extends TfTensor>(tensor: T): T;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  scalar(value: number): TfTensor;
  zeros(shape: readonly number[]): TfTensor;
  ones(shape: readonly number[]): TfTensor;
  variable(value: TfTensor): TfVariable;
  oneHot(indices: TfTensor, depth: number): TfTensor;
  cast(x: TfTensor, type: string): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, permutation?: readonly number[]): TfTensor;
  reverse(x: TfTensor, axes: readonly number[]): TfTensor;
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
  pad(x: TfTensor, paddings: readonly (readonly number[])[]): TfTensor;
  stack(tensors: readonly TfTensor[], axis: number): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  mean(x: TfTensor, axes?: readonly number[]): TfTensor;
  relu(x: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(
    x: TfTensor,
    w: TfTensor,
    strides: number,
    pad: number | "valid",
    format?: "NHWC",
    dilations?: number,
    rounding?: "floor",
  ): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    w: TfTensor,
    shape: readonly number[],
    strides: number,
    pad: number,
    rounding?: "floor",
  ): TfTensor;
  depthwiseConv2d(
    x: TfTensor,
    w: TfTensor,
    strides: number,
    pad: number | "valid",
    format?: "NHWC",
    dilations?: number,
    rounding?: "floor",
  ): TfTensor;
  moments(x: TfTensor, axes: readonly number[]): { mean: TfTensor; variance: TfTensor };
  batchNorm(
    x: TfTensor,
    mean: TfTensor,
    variance: TfTensor,
    offset: TfTensor,
    scale: TfTensor,
    epsilon: number,
  ): TfTensor;
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  customGrad(
    f: (
      x: TfTensor,
      w: TfTensor,
      save: (tensors: TfTensor[]) => void,
    ) => { value: TfTensor; gradFunc: (dy: TfTensor, saved: TfTensor[]) => TfTensor[] },
  ): (x: TfTensor, w: TfTensor) => TfTensor;
  variableGrads(
    f: () => TfTensor,
    variables: readonly TfVariable[],
  ): { value: TfTensor; grads: Record<string, TfTensor> };
}
