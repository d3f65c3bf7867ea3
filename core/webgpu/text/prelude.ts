/**
 * WGSL functions that every kernel may call, and that keep NaN as PyTorch does. WGSL's own `max` and `clamp` may give their
 * other operand for NaN, and compilers may take `v != v` for false, so that a network that has diverged would look sound.
 * The test is therefore one of bits. A number in a name is that of the elements of a value: an `f32`, or a `vec4<f32>`.
 */

import { float } from "./wgsl.ts";

/** The functions for one size of value, those that others call first: names, and parameters with bodies. */
function functionsOf(size: 1 | 4, type: string, bits: string, answers: string): [name: string, text: string][] {
  return [
    [
      `isNan${size}`,
      `(v: ${type}) -> ${answers} { return (bitcast<${bits}>(v) & ${bits}(0x7fffffffu)) > ${bits}(0x7f800000u); }`,
    ],
    [`relu${size}`, `(v: ${type}) -> ${type} { return select(max(v, ${type}()), v, isNan${size}(v)); }`],
    [
      `reluUpTo${size}`,
      `(v: ${type}, most: f32) -> ${type} { return select(clamp(v, ${type}(), ${type}(most)), v, isNan${size}(v)); }`,
    ],
  ];
}

const FUNCTIONS = new Map([
  ...functionsOf(1, "f32", "u32", "bool"),
  ...functionsOf(4, "vec4<f32>", "vec4<u32>", "vec4<bool>"),
]);

/** The functions that a kernel calls, and those that these call. */
export function libraryOf(wgsl: string): string {
  let called = wgsl;
  const texts = [...FUNCTIONS].reverse().flatMap(([name, text]) => {
    if (!new RegExp(`\\b${name}\\(`).test(called)) return [];
    called += text;
    return [`fn ${name}${text}\n`];
  });
  return texts.reverse().join("");
}

/**
 * WGSL of clamp(value, 0, ceiling), where NaN stays NaN.
 *
 * @param value An expression.
 * @param size Its elements.
 */
export function reluWgsl(value: string, size: 1 | 4, ceiling: number = Infinity): string {
  return ceiling === Infinity ? `relu${size}(${value})` : `reluUpTo${size}(${value}, ${float(ceiling)})`;
}
