/**
 * WGSL functions that every kernel may call. They keep NaN, as PyTorch does. WGSL's own `max` and `clamp` may return the
 * other operand for NaN, which would hide that a network has diverged. Compilers may take `v != v` for false, so the functions
 * test the bits. The number in a name is the elements of its value: 1 for `f32`, 4 for `vec4<f32>`.
 */

import { float } from "./wgsl.ts";

/** The functions for one size of value, callees before callers: names, and parameters with bodies. */
function functionsOf(size: 1 | 4, type: string, bits: string, bools: string): [name: string, text: string][] {
  return [
    [
      `isNan${size}`,
      `(v: ${type}) -> ${bools} { return (bitcast<${bits}>(v) & ${bits}(0x7fffffffu)) > ${bits}(0x7f800000u); }`,
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

/** The functions that a kernel calls, and the functions that they call. */
export function preludeOf(wgsl: string): string {
  let callers = wgsl;
  const texts = [...FUNCTIONS].reverse().flatMap(([name, text]) => {
    if (!new RegExp(`\\b${name}\\(`).test(callers)) return [];
    callers += text;
    return [`fn ${name}${text}\n`];
  });
  return texts.reverse().join("");
}

/**
 * WGSL of clamp(value, 0, ceiling) that keeps NaN.
 *
 * @param value An expression.
 * @param size Its number of elements.
 */
export function reluWgsl(value: string, size: 1 | 4, ceiling: number = Infinity): string {
  return ceiling === Infinity ? `relu${size}(${value})` : `reluUpTo${size}(${value}, ${float(ceiling)})`;
}
