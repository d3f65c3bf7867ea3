/** The part of jax-js that the benchmark uses, as types: the package is loaded only when it is measured. */

/** An array. Passing it to a function gives it up; `ref` keeps it for one more use. */
export interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(axes?: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** Arrays by name. */
export type JaxTree = Record<string, JaxArray>;

/** The functions. */
export interface Jax {
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): unknown;
  blockUntilReady<T>(tree: T): Promise<T>;
  jit<A extends unknown[], R>(f: (...args: A) => R): ((...args: A) => R) & { dispose(): void };
  vjp(
    f: (x: JaxArray) => JaxArray,
    primals: readonly JaxArray[],
  ): [JaxArray, ((cotangent: JaxArray) => JaxArray[]) & { dispose(): void }];
  valueAndGrad<A extends unknown[], X>(
    f: (parameters: JaxTree, ...args: A) => [JaxArray, X],
    options: { hasAux: true },
  ): (parameters: JaxTree, ...args: A) => [[JaxArray, X], JaxTree];
  readonly numpy: {
    array(data: Float32Array, options: { shape: readonly number[] }): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    mean(x: JaxArray, axes: readonly number[], options?: { keepdims: boolean }): JaxArray;
    sum(x: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    reciprocal(x: JaxArray): JaxArray;
  };
  readonly nn: { relu(x: JaxArray): JaxArray; logSoftmax(x: JaxArray, axis: number): JaxArray };
  readonly lax: {
    convGeneralDilated(
      x: JaxArray,
      w: JaxArray,
      strides: readonly number[],
      padding: readonly (readonly number[])[],
      options?: { featureGroupCount?: number },
    ): JaxArray;
  };
}
