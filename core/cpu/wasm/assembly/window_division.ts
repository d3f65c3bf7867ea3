/** The divisors of averages whose windows hold different numbers of positions. */

import { at, pointer, word } from "./simd";

/**
 * What is of each window by the number of its positions that count. Source and target may be the same.
 * Arguments: source, target, planes, planes of a task, then pairs of rows and columns: outputs, kernel, stride, the first
 * position of the padded input that counts, the end of those.
 */
export function divideByWindows(p: usize, task: i32, _scratch: usize): void {
  const group = word(p, 3), rows = word(p, 4), columns = word(p, 5), strideY = word(p, 8), strideX = word(p, 9);
  const firstY = word(p, 10), firstX = word(p, 11), endY = word(p, 12), endX = word(p, 13);
  const end = min(word(p, 2), (task + 1) * group);
  for (let i = task * group; i < end; i++) {
    for (let y = 0; y < rows; y++) {
      const top = y * strideY, high = min(top + word(p, 6), endY) - max(top, firstY);
      const source = at(pointer(p, 0), (i * rows + y) * columns), target = at(pointer(p, 1), (i * rows + y) * columns);
      for (let x = 0; x < columns; x++) {
        const left = x * strideX, wide = min(left + word(p, 7), endX) - max(left, firstX);
        store<f32>(at(target, x), load<f32>(at(source, x)) / <f32> (high * wide));
      }
    }
  }
}
