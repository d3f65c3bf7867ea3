/** Shared helpers of the kernels: arguments, multiply-add, transposes of four by four. */

/** A 32-bit integer or an address among a stage's arguments. */
// @ts-ignore: decorator
@inline
export function word(p: usize, index: i32): i32 {
  return load<i32>(p + ((<usize> index) << 2));
}

/** An address among a stage's arguments. */
// @ts-ignore: decorator
@inline
export function pointer(p: usize, index: i32): usize {
  return <usize> load<u32>(p + ((<usize> index) << 2));
}

/** A float among a stage's arguments. */
// @ts-ignore: decorator
@inline
export function real(p: usize, index: i32): f32 {
  return load<f32>(p + ((<usize> index) << 2));
}

/** The address of element `index` of an array of floats. */
// @ts-ignore: decorator
@inline
export function at(base: usize, index: i32): usize {
  return base + ((<usize> index) << 2);
}

// @ts-ignore: decorator
@inline
export function roundUp(a: i32, multiple: i32): i32 {
  return (a + multiple - 1) / multiple * multiple;
}

/** c + a·b: in one rounding in the relaxed build where the processor has it, in two in the plain build. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(c, f32x4.mul(a, b));
}

/** c - a·b, rounded as {@link multiplyAdd}. */
// @ts-ignore: decorator
@inline
export function multiplySubtract(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  else return f32x4.sub(c, f32x4.mul(a, b));
}

/** Lane 0 in all four. */
// @ts-ignore: decorator
@inline
export function lane0(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 0, 0, 0, 0);
}

/** Lane 1 in all four. */
// @ts-ignore: decorator
@inline
export function lane1(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 1, 1, 1, 1);
}

/** Lane 2 in all four. */
// @ts-ignore: decorator
@inline
export function lane2(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 2, 2, 2, 2);
}

/** Lane 3 in all four. */
// @ts-ignore: decorator
@inline
export function lane3(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 3, 3, 3, 3);
}

/** The sum of the four lanes, in a fixed order. */
// @ts-ignore: decorator
@inline
export function laneSum(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Lanes 0 and 1 of both, interleaved: a0 b0 a1 b1. */
// @ts-ignore: decorator
@inline
export function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}

/** Lanes 2 and 3 of both, interleaved: a2 b2 a3 b3. */
// @ts-ignore: decorator
@inline
export function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
}

/** The lower halves: a0 a1 b0 b1. */
// @ts-ignore: decorator
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 0, 2);
}

/** The upper halves: a2 a3 b2 b3. */
// @ts-ignore: decorator
@inline
export function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 1, 3);
}

/** Four elements, `stride` apart. */
// @ts-ignore: decorator
@inline
export function strided(source: usize, stride: i32): v128 {
  if (stride == 1) return v128.load(source);
  if (stride == 2) return v128.shuffle<f32>(v128.load(source), v128.load(source, 16), 0, 2, 4, 6);
  const step = (<usize> stride) << 2;
  let v = v128.load32_zero(source);
  v = v128.load32_lane(source + step, v, 1);
  v = v128.load32_lane(source + 2 * step, v, 2);
  return v128.load32_lane(source + 3 * step, v, 3);
}

/** All ones in the first `count` lanes, zeros in the others. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Stores the columns of four rows of four, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function transposeStore(a: v128, b: v128, c: v128, d: v128, target: usize, step: usize): void {
  const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
  v128.store(target, lowHalves(ab, cd));
  v128.store(target + step, highHalves(ab, cd));
  v128.store(target + 2 * step, lowHalves(AB, CD));
  v128.store(target + 3 * step, highHalves(AB, CD));
}

/** Stores the first `count` lanes, one to four. */
// @ts-ignore: decorator
@inline
export function storeLanes(target: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(target, v);
    return;
  }
  v128.store32_lane(target, v, 0);
  if (count > 1) v128.store32_lane(target, v, 1, 4);
  if (count > 2) v128.store32_lane(target, v, 2, 8);
}

/** Fills floats with zeros; `count` is rounded up to a multiple of 4. */
export function clear(target: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    v128.store(target, zero);
    target += 16;
  }
}
