/**
 * Checks that a device computes with f16 as mixed precision needs it, by small kernels with known results. Subnormal numbers
 * may become 0.
 */

import { DeviceError } from "../util/errors.ts";
import { LEAST_NORMAL_FLOAT16 } from "../util/float16.ts";
import { f16round } from "../util/float16_bits.ts";
import { f16, f32, type TensorSpec } from "../graph/shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { runKnownAnswer } from "./known_answer.ts";

/** Numbers that f16 represents exactly, rounds (ties to even) or turns into infinity. */
const NUMBERS: readonly number[] = [
  ...[0, 1, -2.5, 65504, -65504, LEAST_NORMAL_FLOAT16, 2 ** -24, -3 * 2 ** -24],
  // The neighbour of 1 is 1 + 2^-10.
  ...[1, 3, 5].flatMap((odd) => [1 + odd * 2 ** -11, -1 - odd * 2 ** -11]),
  ...[1 + 2 ** -11 - 2 ** -20, 1 + 2 ** -11 + 2 ** -20, 1 / 3, -0.1, Math.PI, 1e-3, 2049, 2051, 4098, 4102],
  ...[65519, 65520, -65520, 1e5, -1e30, Infinity, -Infinity, NaN],
  ...Array.from({ length: 28 }, (_, k) => 1.7 * 2 ** (k - 13)),
];
/** The same numbers, rounded to f16. */
const ROUNDED = NUMBERS.map((value) => f16round(value));
/** Factors whose squares need more bits than f16 has; float32 represents the squares and their sum exactly. */
const FACTORS: readonly number[] = Array.from({ length: 64 }, (_, k) => 2 * k + 33);

/** A kernel that reads `x` and writes `y`. */
interface Case {
  readonly what: string;
  readonly from: TensorSpec;
  readonly to: TensorSpec;
  readonly data: readonly number[];
  readonly expected: readonly number[];
  readonly vector: boolean;
  readonly body: string;
}

function casesOf(vector: boolean): Case[] {
  const count = NUMBERS.length, step = vector ? 4 : 1;
  const body = `for (var i = 0u; i < ${count / step}u; i++) { y[i] = x[i]; }`;
  return [
    { what: "rounding", from: f32([count]), to: f16([count]), data: NUMBERS, expected: ROUNDED, vector, body },
    { what: "widening", from: f16([count]), to: f32([count]), data: ROUNDED, expected: ROUNDED, vector, body },
    {
      what: "multiplying and adding",
      from: f16([FACTORS.length]),
      to: f32([4]),
      data: FACTORS,
      expected: [FACTORS.reduce((sum, factor) => sum + factor * factor, 0)],
      vector,
      body: `var sum = ${vector ? "vec4<f32>()" : "0.0"};
  for (var i = 0u; i < ${FACTORS.length / step}u; i++) { sum = fma(x[i], x[i], sum); }
  y[0] = ${vector ? "vec4<f32>(dot(sum, vec4<f32>(1.0)))" : "sum"};`,
    },
  ];
}

/**
 * Runs kernels with known results.
 *
 * @returns The first error, as the rest of a sentence about the adapter; nothing if all results are right.
 */
export async function findFloat16Problem(backend: WebGpuBackend): Promise<string | undefined> {
  for (const each of [...casesOf(false), ...casesOf(true)]) {
    try {
      const results = await run(backend, each);
      const wrong = each.expected.findIndex((value, k) => !agrees(results[k], value));
      if (wrong < 0) continue;
      const what = each.what === "multiplying and adding" ? "" : ` ${each.data[wrong]}`;
      return `gets float16 wrong: ${each.what}${what} gave ${results[wrong]} where ${
        each.expected[wrong]
      } was expected`;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      return `does not run a kernel with float16 (${error.message})`;
    }
  }
  return undefined;
}

function agrees(actual: number, expected: number): boolean {
  return actual === expected || Object.is(actual, expected) ||
    (actual === 0 && Math.abs(expected) < LEAST_NORMAL_FLOAT16);
}

function run(backend: WebGpuBackend, { what, from, to, data, vector, body }: Case): Promise<ArrayLike<number>> {
  return runKnownAnswer(backend, {
    label: `the check of float16 (${what})`,
    wgsl: `@compute @workgroup_size(1)\nfn main() {\n  ${body}\n}`,
    from,
    to,
    data,
    vector,
  });
}
