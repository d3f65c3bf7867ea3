/** What the texts of unrolled, tiled WebGPU kernels share: indices, vectors, stores, and the sizes of tiles. */

/** The integers from `first` on: the indices of what a text unrolls. */
export function range(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** The size of equal tiles that cover `size`: as many tiles as with `most` elements each, and the least beyond the end. */
export function evenTile(size: number, most: number): number {
  return Math.ceil(size / Math.ceil(size / most));
}

/** WGSL of a vector of four expressions. */
export function vec4(elements: readonly string[]): string {
  return `vec4<f32>(${elements.join(", ")})`;
}

/**
 * WGSL of the index `first + offset`, held inside where the last tile is not full: loads of a tile need no condition.
 *
 * @param first An expression: where the tile begins.
 * @param count How many there are.
 * @param tile The size of a tile.
 */
export function indexInTile(first: string, offset: number, count: number, tile: number): string {
  const index = `${first} + ${offset}u`;
  return count % tile === 0 ? index : `min(${index}, ${count - 1}u)`;
}

/** How four adjacent elements are stored. */
export interface StoreOfFour {
  /** The name of the buffer, which holds vectors if `vector`, else elements. */
  readonly target: string;
  /** An expression: the index of the first element. */
  readonly start: string;
  /** Whether they are one vector of the buffer. */
  readonly vector: boolean;
  /**
   * WGSL of a condition, `if (…) `, of element `c`, or of all four where they are one vector. Defaults to no condition; an empty
   * one is none either.
   */
  readonly guard?: (c?: number) => string;
  /** WGSL of what is stored, given a finished value, its index in the buffer and its size. Defaults to the value. */
  readonly epilogue?: (value: string, index: string, size: 1 | 4) => string;
}

/** WGSL that stores `value`, a `vec4<f32>` of four adjacent elements, as far as they are inside. */
export function storeOfFour(
  { target, start, vector, guard, epilogue = (value) => value }: StoreOfFour,
): string {
  if (vector) {
    const store = `${target}[position] = ${epilogue("value", "position", 4)};`;
    const whole = start.includes(" ") ? `(${start})` : start;
    return `let position = ${whole} / 4u; ${guard === undefined ? store : `${guard()}{ ${store} }`}`;
  }
  return range(4).map((c) =>
    `${guard?.(c) ?? ""}{ let position = ${start} + ${c}u; ${target}[position] = ${
      epilogue(`value[${c}]`, "position", 1)
    }; }`
  ).join("\n  ");
}
