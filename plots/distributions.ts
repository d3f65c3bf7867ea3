/** How the values of a network's parameters are distributed, in few numbers. */

import { countField, listField, numberField, objectField, optionalField, textField } from "../core/mod.ts";
import { type NamedTensor, OPTIMIZER_PREFIX } from "../weights/mod.ts";

/** The shares of the values that lie below the quantiles. */
export const QUANTILES: readonly number[] = [0.05, 0.25, 0.5, 0.75, 0.95];

/** The distribution of a tensor's values. */
export interface Distribution {
  /** The least value. */
  readonly minimum: number;
  /** The greatest value. */
  readonly maximum: number;
  /** The mean. */
  readonly mean: number;
  /** The standard deviation, of the values themselves. */
  readonly deviation: number;
  /** The values at {@link QUANTILES}: of a large tensor those of 1024 of its values, evenly spread. */
  readonly quantiles: readonly number[];
}

/** A parameter at a step. */
export interface ParameterDistributions {
  /** The parameter's name. */
  readonly name: string;
  /** Of the parameter itself. */
  readonly weights: Distribution;
  /** Of the gradient as the optimiser smooths it: its momentum or first moment; nothing where it keeps none. */
  readonly gradient?: Distribution;
}

/** A line of `distributions.jsonl`. */
export interface DistributionsLine {
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The steps that are done, of the whole run. */
  readonly steps: number;
  /** The network's parameters, in their order. */
  readonly parameters: readonly ParameterDistributions[];
}

/** The most values that are sorted. */
const MOST_SORTED = 1024;
const DIGITS = 5;

const short = (value: number) => Number(value.toPrecision(DIGITS));

/** The distribution of some numbers; at least one. */
export function distributionOf(data: NamedTensor["data"]): Distribution {
  let minimum = Infinity, maximum = -Infinity, sum = 0, squares = 0;
  // Around the first, so that few digits are lost where all are nearly alike.
  const origin = data[0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i], off = value - origin;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    sum += off;
    squares += off * off;
  }
  const stride = Math.ceil(data.length / MOST_SORTED), count = Math.ceil(data.length / stride);
  const sorted = Float32Array.from({ length: count }, (_, k) => data[k * stride]).sort(), off = sum / data.length;
  const quantiles = QUANTILES.map((share) => {
    const at = share * (count - 1), low = Math.floor(at), high = Math.min(count - 1, low + 1);
    return short(sorted[low] + (at - low) * (sorted[high] - sorted[low]));
  });
  const deviation = Math.sqrt(Math.max(0, squares / data.length - off * off));
  return {
    minimum: short(minimum),
    maximum: short(maximum),
    mean: short(origin + off),
    deviation: short(deviation),
    quantiles,
  };
}

/** What optimisers keep of gradients over the steps: SGD's and RMSProp's momentum, AdamW's first moment. */
const SMOOTHED = ["momentum", "mean"];

/**
 * The distributions of a network's parameters, in their order.
 *
 * @param tensors The variables of a run, the optimiser's included.
 */
export function parameterDistributions(tensors: ReadonlyMap<string, NamedTensor>): ParameterDistributions[] {
  const names = [...tensors.keys()].filter((name) =>
    !name.startsWith(OPTIMIZER_PREFIX) && !/\.running_(mean|var)$/.test(name)
  );
  return names.map((name) => {
    const kind = SMOOTHED.find((kind) => tensors.has(`${OPTIMIZER_PREFIX}${kind}.${name}`));
    const gradient = kind && distributionOf(tensors.get(`${OPTIMIZER_PREFIX}${kind}.${name}`)!.data);
    return { name, weights: distributionOf(tensors.get(name)!.data), ...(gradient && { gradient }) };
  });
}

const DISTRIBUTION = objectField({
  minimum: numberField,
  maximum: numberField,
  mean: numberField,
  deviation: numberField,
  quantiles: listField(numberField, QUANTILES.length),
});

const LINE = objectField({
  epoch: countField(),
  steps: countField(),
  parameters: listField(
    objectField({ name: textField, weights: DISTRIBUTION, gradient: optionalField(DISTRIBUTION) }),
  ),
});

/**
 * Reads the lines of a `distributions.jsonl`. One that is not whole, or of something else, is left out.
 *
 * @param text The file's content.
 *
 * @example
 * ```ts
 * import { readDistributions } from "@residua/residua/plots";
 * const text = '{"epoch":0,"steps":10,"parameters":[]}\n{"epoch":1,"st';
 * console.log(readDistributions(text).map(({ steps }) => steps)); // [ 10 ]
 * ```
 */
export function readDistributions(text: string): DistributionsLine[] {
  return text.split("\n").flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return LINE(parsed, "") === undefined ? [parsed as DistributionsLine] : [];
    } catch {
      return [];
    }
  });
}
