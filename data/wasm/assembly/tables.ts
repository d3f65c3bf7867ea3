/** From the bytes of RGB pixels to a plane of numbers for each channel. */

/** The number of each byte in each channel, [3, 256], is at the memory's beginning, an address that costs nothing to add. */
const RED: usize = 0;
const GREEN: usize = 1024;
const BLUE: usize = 2048;

// @ts-ignore: decorator
@inline
function place(byte: usize): usize {
  return <usize> load<u8>(byte) << 2;
}

/** Writes a channel of four pixels; one store costs less than four. */
// @ts-ignore: decorator
@inline
function writeFour(a: usize, b: usize, c: usize, d: usize, table: usize, target: usize): void {
  let v = v128.load32_zero(place(a) + table);
  v = v128.load32_lane(place(b) + table, v, 1);
  v = v128.load32_lane(place(c) + table, v, 2);
  v128.store(target, v128.load32_lane(place(d) + table, v, 3));
}

/**
 * Writes pixels as three planes.
 *
 * @param source The first pixel.
 * @param step Bytes from a pixel to the next; below zero where the image is mirrored.
 * @param stride Bytes from one row to the next.
 * @param width Pixels of a row.
 * @param rows How many rows.
 * @param target Receives the first plane.
 * @param targetStride Bytes from one row of numbers to the next.
 * @param plane Bytes from one plane to the next.
 */
export function writePlanes(
  source: usize,
  step: usize,
  stride: usize,
  width: i32,
  rows: i32,
  target: usize,
  targetStride: usize,
  plane: usize,
): void {
  for (let y = 0; y < rows; y++) {
    let at = source, red = target, x = 0;
    for (; x + 4 <= width; x += 4) {
      const second = at + step, third = second + step, fourth = third + step;
      writeFour(at, second, third, fourth, RED, red);
      writeFour(at + 1, second + 1, third + 1, fourth + 1, GREEN, red + plane);
      writeFour(at + 2, second + 2, third + 2, fourth + 2, BLUE, red + 2 * plane);
      at = fourth + step;
      red += 16;
    }
    for (; x < width; x++) {
      store<f32>(red, load<f32>(place(at) + RED));
      store<f32>(red + plane, load<f32>(place(at + 1) + GREEN));
      store<f32>(red + 2 * plane, load<f32>(place(at + 2) + BLUE));
      at += step;
      red += 4;
    }
    source += stride;
    target += targetStride;
  }
}
