/**
 * Gradients of convolutions from other ops of the WebAssembly backend of TensorFlow.js. It has none for weights and for
 * depthwise convolutions, and its own input gradient is slow. So without these gradients its training would be measured as
 * far slower than it can be. x is [N, H, W, C], w [K, K, C, O] (depthwise [K, K, C, 1]), dy [N, OH, OW, O].
 */

import type { Tf, TfTensor } from "./_tensorflow.ts";

/** The geometry of a convolution. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** Height and width of the input. */
  readonly size: number;
}

/** dy with zeros between its positions and around them, so that a convolution by the rotated weights gives dx. */
function spread(tf: Tf, dy: TfTensor, { kernel, stride, padding, size }: Window): TfTensor {
  const [batch, height, width, channels] = dy.shape;
  let wide = dy;
  if (stride > 1) {
    const columns = tf.pad(tf.reshape(dy, [batch * height * width, 1, channels]), [[0, 0], [0, stride - 1], [0, 0]]);
    const rows = tf.reshape(columns, [batch * height, 1, width * stride * channels]);
    wide = tf.reshape(tf.pad(rows, [[0, 0], [0, stride - 1], [0, 0]]), [
      batch,
      height * stride,
      width * stride,
      channels,
    ]);
  }
  const before = kernel - 1 - padding, length = size + kernel - 1, after = length - before - height * stride;
  const margins = [before, Math.max(0, after)], around = [[0, 0], margins, margins, [0, 0]];
  const padded = margins.some((margin) => margin > 0) ? tf.pad(wide, around) : wide;
  return after < 0 ? tf.slice(padded, [0, 0, 0, 0], [batch, length, length, channels]) : padded;
}

/** The input gradient as a convolution. */
export function inputGradient(tf: Tf, dy: TfTensor, w: TfTensor, window: Window): TfTensor {
  return tf.conv2d(spread(tf, dy, window), tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2]), 1, "valid");
}

/** The same of a depthwise convolution. */
export function depthwiseInputGradient(tf: Tf, dy: TfTensor, w: TfTensor, window: Window): TfTensor {
  return tf.depthwiseConv2d(spread(tf, dy, window), tf.reverse(w, [0, 1]), 1, "valid");
}

function padded(tf: Tf, x: TfTensor, before: number, after: number): TfTensor {
  const margins = [before, Math.max(0, after)];
  return before === 0 && after <= 0 ? x : tf.pad(x, [[0, 0], margins, margins, [0, 0]]);
}

/** The weight gradient as a convolution of x by dy, with images for channels. */
export function weightGradient(tf: Tf, x: TfTensor, dy: TfTensor, { kernel, stride, padding }: Window): TfTensor {
  const image = tf.transpose(padded(tf, x, padding, padding), [3, 1, 2, 0]), filter = tf.transpose(dy, [1, 2, 0, 3]);
  const product = tf.conv2d(image, filter, 1, "valid", "NHWC", stride);
  const [channels, height, , outputs] = product.shape;
  const cropped = height === kernel ? product : tf.slice(product, [0, 0, 0, 0], [channels, kernel, kernel, outputs]);
  return tf.transpose(cropped, [1, 2, 0, 3]);
}

/** Every stride-th row and column of an image, by slices of whole rows of a matrix: strided slices are slow. */
function thinned(tf: Tf, image: TfTensor, stride: number): TfTensor {
  const [batch, height, width, channels] = image.shape;
  if (stride === 1) return image;
  const rows = batch * height / stride, row = width * channels, positions = rows * width / stride;
  const fewerRows = tf.slice(tf.reshape(image, [rows, stride * row]), [0, 0], [rows, row]);
  const fewer = tf.slice(tf.reshape(fewerRows, [positions, stride * channels]), [0, 0], [positions, channels]);
  return tf.reshape(fewer, [batch, height / stride, width / stride, channels]);
}

/** The elements of x that each tap of the window multiplies by dy, in the order of the taps. */
function meetings(tf: Tf, x: TfTensor, dy: TfTensor, { kernel, stride, padding, size }: Window): TfTensor[] {
  const [batch, height, width] = dy.shape, channels = x.shape[3];
  const image = padded(tf, x, padding, kernel - 1 + stride * height - size - padding);
  return Array.from({ length: kernel ** 2 }, (_, k) => {
    const first = [0, Math.floor(k / kernel), k % kernel, 0];
    return thinned(tf, tf.slice(image, first, [batch, stride * height, stride * width, channels]), stride);
  });
}

/** The weight gradient as a matrix product for each tap of the window. */
export function weightGradientByProducts(tf: Tf, x: TfTensor, dy: TfTensor, window: Window): TfTensor {
  const [batch, height, width, outputs] = dy.shape, channels = x.shape[3], positions = batch * height * width;
  const flat = tf.reshape(dy, [positions, outputs]);
  const products = meetings(tf, x, dy, window).map((part) =>
    tf.matMul(tf.transpose(tf.reshape(part, [positions, channels])), flat)
  );
  return tf.reshape(tf.stack(products, 0), [window.kernel, window.kernel, channels, outputs]);
}

/** The weight gradient of a depthwise convolution as sums of products; a product with ones is the fastest sum. */
export function depthwiseWeightGradient(tf: Tf, x: TfTensor, dy: TfTensor, window: Window): TfTensor {
  const [batch, height, width, channels] = dy.shape, positions = batch * height * width, ones = tf.ones([1, positions]);
  const sums = meetings(tf, x, dy, window).map((part) =>
    tf.matMul(ones, tf.reshape(tf.mul(part, dy), [positions, channels]))
  );
  return tf.reshape(tf.stack(sums, 0), [window.kernel, window.kernel, channels, 1]);
}
