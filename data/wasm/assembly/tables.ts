/** Bytes to numbers by a table for each channel. */

/**
 * Writes a channel of an image.
 *
 * @param source The first byte.
 * @param step Bytes from a pixel to the next; below zero where the image is mirrored.
 * @param stride Bytes from one row to the next.
 * @param width Pixels to write of a row.
 * @param rows How many rows.
 * @param table The number of each byte.
 * @param target Receives the numbers.
 * @param targetStride Bytes from one row of numbers to the next.
 */
export function lookUp(
  source: usize,
  step: i32,
  stride: usize,
  width: i32,
  rows: i32,
  table: usize,
  target: usize,
  targetStride: usize,
): void {
  for (let y = 0; y < rows; y++) {
    let at = source, to = target, x = 0;
    for (; x + 4 <= width; x += 4) {
      const a = load<u8>(at), b = load<u8>(at + step), c = load<u8>(at + 2 * step), d = load<u8>(at + 3 * step);
      store<f32>(to, load<f32>(table + (<usize> a << 2)));
      store<f32>(to, load<f32>(table + (<usize> b << 2)), 4);
      store<f32>(to, load<f32>(table + (<usize> c << 2)), 8);
      store<f32>(to, load<f32>(table + (<usize> d << 2)), 12);
      at += 4 * step;
      to += 16;
    }
    for (; x < width; x++) {
      store<f32>(to, load<f32>(table + (<usize> load<u8>(at) << 2)));
      at += step;
      to += 4;
    }
    source += stride;
    target += targetStride;
  }
}
