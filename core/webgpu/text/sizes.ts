/**
 * The sizes of a layer in the text of a kernel: constants, or, where layers of other sizes are to share the shader, words of a
 * uniform. A text marks what may be either.
 */

/** What {@link sizeWgsl} writes: a name and a number, which is a u32 or an i32. */
const MARKED = /\bsize\((\w+), (\d+)(u?)\)/g;
/** The most sizes of a text: what WebGPU's alignment of uniforms leaves room for. */
const MOST_SIZES = 64;

/** A kernel's text whose sizes are in a uniform. */
export interface TextOfAnySize {
  /** The text, with the declaration of the uniform. */
  readonly wgsl: string;
  /** What the uniform holds. */
  readonly words: Uint32Array<ArrayBuffer>;
}

/**
 * WGSL of a number that depends on the sizes of a layer. In a loop it is an addend, a factor or a bound, which a processor reads
 * of a uniform as fast as of its text, and no divisor.
 *
 * @param name A name of its own in the text.
 * @param type Whether it is a `u32` or an `i32`. Defaults to the former.
 */
export function sizeWgsl(name: string, value: number, type: "u32" | "i32" = "u32"): string {
  return `size(${name}, ${value}${type === "u32" ? "u" : ""})`;
}

/** Whether a text has such numbers. */
export function hasSizes(wgsl: string): boolean {
  return wgsl.includes("size(") && wgsl.search(MARKED) >= 0;
}

/** A text with its sizes as constants. */
export function withConstantSizes(wgsl: string): string {
  return wgsl.replace(MARKED, "$2$3");
}

/** A text with its sizes in a uniform; nothing if it has none. */
export function withUniformSizes(wgsl: string, binding: number): TextOfAnySize | undefined {
  const sizes = new Map<string, number>();
  const text = wgsl.replace(MARKED, (_, name: string, digits: string, suffix: string) => {
    const value = Number(digits), known = sizes.get(name) ?? value;
    if (known !== value) throw new Error(`The size ${name} is both ${known} and ${value}`);
    sizes.set(name, value);
    return suffix === "u" ? `sizes.${name}` : `i32(sizes.${name})`;
  });
  if (sizes.size === 0) return undefined;
  if (sizes.size > MOST_SIZES) throw new Error(`A text has ${sizes.size} sizes; ${MOST_SIZES} are allowed`);
  const members = [...sizes.keys()].map((name) => `${name}: u32`).join(", ");
  return {
    wgsl: `struct Sizes { ${members} }\n@group(0) @binding(${binding}) var<uniform> sizes: Sizes;\n${text}`,
    words: Uint32Array.from(sizes.values()),
  };
}
