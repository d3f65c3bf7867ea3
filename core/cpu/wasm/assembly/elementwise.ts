/** Ops whose element i depends only on the inputs' elements i; a task computes a range of elements. */

import { at, multiplyAdd, multiplySubtract, pointer, real, storeLanes, word } from "./simd";

/** clamp(x, 0, ceiling), and NaN of NaN: a pseudo-minimum or maximum gives its first operand where none is less. */
// @ts-ignore: decorator
@inline
function clamped(x: v128, ceiling: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(0)), ceiling);
}

/** y = clamp(x, 0, ceiling). Arguments: x, y, count, floats a task, ceiling. */
export function clampElements(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 3), ceiling = f32x4.splat(real(p, 4));
  let left = min(word(p, 3), word(p, 2) - first), x = at(pointer(p, 0), first), y = at(pointer(p, 1), first);
  for (; left >= 16; left -= 16) {
    v128.store(y, clamped(v128.load(x), ceiling));
    v128.store(y, clamped(v128.load(x, 16), ceiling), 16);
    v128.store(y, clamped(v128.load(x, 32), ceiling), 32);
    v128.store(y, clamped(v128.load(x, 48), ceiling), 48);
    x += 64;
    y += 64;
  }
  for (; left > 0; left -= 4) {
    storeLanes(y, clamped(v128.load(x), ceiling), left);
    x += 16;
    y += 16;
  }
}

/** dy where 0 < y < ceiling, else 0. */
// @ts-ignore: decorator
@inline
function passed(dy: v128, y: v128, ceiling: v128): v128 {
  return v128.and(dy, v128.and(f32x4.gt(y, f32x4.splat(0)), f32x4.lt(y, ceiling)));
}

/** The gradient of clampElements from its result. Arguments: dy, y, dx, count, floats a task, ceiling. */
export function clampElementsGradient(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 4), ceiling = f32x4.splat(real(p, 5));
  let left = min(word(p, 4), word(p, 3) - first);
  let dy = at(pointer(p, 0), first), y = at(pointer(p, 1), first), dx = at(pointer(p, 2), first);
  for (; left >= 16; left -= 16) {
    v128.store(dx, passed(v128.load(dy), v128.load(y), ceiling));
    v128.store(dx, passed(v128.load(dy, 16), v128.load(y, 16), ceiling), 16);
    v128.store(dx, passed(v128.load(dy, 32), v128.load(y, 32), ceiling), 32);
    v128.store(dx, passed(v128.load(dy, 48), v128.load(y, 48), ceiling), 48);
    dy += 64;
    y += 64;
    dx += 64;
  }
  for (; left > 0; left -= 4) {
    storeLanes(dx, passed(v128.load(dy), v128.load(y), ceiling), left);
    dy += 16;
    y += 16;
    dx += 16;
  }
}

/** y = a + b. Arguments: a, b, y, count, floats a task. */
export function addElements(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 4);
  let left = min(word(p, 4), word(p, 3) - first);
  let a = at(pointer(p, 0), first), b = at(pointer(p, 1), first), y = at(pointer(p, 2), first);
  for (; left >= 16; left -= 16) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
    v128.store(y, f32x4.add(v128.load(a, 16), v128.load(b, 16)), 16);
    v128.store(y, f32x4.add(v128.load(a, 32), v128.load(b, 32)), 32);
    v128.store(y, f32x4.add(v128.load(a, 48), v128.load(b, 48)), 48);
    a += 64;
    b += 64;
    y += 64;
  }
  for (; left > 0; left -= 4) {
    storeLanes(y, f32x4.add(v128.load(a), v128.load(b)), left);
    a += 16;
    b += 16;
    y += 16;
  }
}

/**
 * A step of SGD: g' = g + decay·p, v = momentum·v + g', p -= rate·v, or rate·(g' + momentum·v) with Nesterov.
 * Arguments: p, v, g, rate, count, floats a task, momentum, decay, whether Nesterov.
 */
export function sgdElements(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 5), nesterov = word(p, 8) != 0;
  const rate = v128.load32_splat(pointer(p, 3)), momentum = f32x4.splat(real(p, 6)), decay = f32x4.splat(real(p, 7));
  let parameter = at(pointer(p, 0), first), velocity = at(pointer(p, 1), first), gradient = at(pointer(p, 2), first);
  for (let left = min(word(p, 5), word(p, 4) - first); left > 0; left -= 4) {
    const old = v128.load(parameter), slope = multiplyAdd(decay, old, v128.load(gradient));
    const v = multiplyAdd(momentum, v128.load(velocity), slope);
    storeLanes(velocity, v, left);
    storeLanes(parameter, multiplySubtract(rate, nesterov ? multiplyAdd(momentum, v, slope) : v, old), left);
    parameter += 16;
    velocity += 16;
    gradient += 16;
  }
}

/**
 * A step of RMSProp: g' = g + decay·p, s = rho·s + rest·g'², v = momentum·v + rate·g' / √(s + epsilon), p -= v.
 * Arguments: p, s, v, g, rate, count, floats a task, momentum, rho, rest (1 - rho), epsilon, decay.
 */
export function rmspropElements(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 6), rate = v128.load32_splat(pointer(p, 4)), momentum = f32x4.splat(real(p, 7));
  const rho = f32x4.splat(real(p, 8)), rest = f32x4.splat(real(p, 9)), epsilon = f32x4.splat(real(p, 10));
  const decay = f32x4.splat(real(p, 11));
  let parameter = at(pointer(p, 0), first), square = at(pointer(p, 1), first), velocity = at(pointer(p, 2), first);
  let gradient = at(pointer(p, 3), first);
  for (let left = min(word(p, 6), word(p, 5) - first); left > 0; left -= 4) {
    const old = v128.load(parameter), slope = multiplyAdd(decay, old, v128.load(gradient));
    const s = multiplyAdd(rho, v128.load(square), f32x4.mul(f32x4.mul(rest, slope), slope));
    const step = f32x4.div(f32x4.mul(rate, slope), f32x4.sqrt(f32x4.add(s, epsilon)));
    const v = multiplyAdd(momentum, v128.load(velocity), step);
    storeLanes(square, s, left);
    storeLanes(velocity, v, left);
    storeLanes(parameter, f32x4.sub(old, v), left);
    parameter += 16;
    square += 16;
    velocity += 16;
    gradient += 16;
  }
}

/**
 * A step of AdamW: m = beta₁·m + rest₁·g, s = beta₂·s + rest₂·g², p -= rate·(decay·p + (m / c₁) / (√(s / c₂) + epsilon)).
 * Arguments: p, m, s, g, rate, c, count, floats a task, beta₁, rest₁ (1 - beta₁), beta₂, rest₂, epsilon, decay.
 */
export function adamwElements(p: usize, task: i32, _scratch: usize): void {
  const first = task * word(p, 7), rate = v128.load32_splat(pointer(p, 4));
  const meanShare = v128.load32_splat(pointer(p, 5)), squareShare = v128.load32_splat(pointer(p, 5), 4);
  const beta1 = f32x4.splat(real(p, 8)), rest1 = f32x4.splat(real(p, 9)), beta2 = f32x4.splat(real(p, 10));
  const rest2 = f32x4.splat(real(p, 11)), epsilon = f32x4.splat(real(p, 12)), decay = f32x4.splat(real(p, 13));
  let parameter = at(pointer(p, 0), first), mean = at(pointer(p, 1), first), square = at(pointer(p, 2), first);
  let gradient = at(pointer(p, 3), first);
  for (let left = min(word(p, 7), word(p, 6) - first); left > 0; left -= 4) {
    const old = v128.load(parameter), slope = v128.load(gradient);
    const m = multiplyAdd(beta1, v128.load(mean), f32x4.mul(rest1, slope));
    const s = multiplyAdd(beta2, v128.load(square), f32x4.mul(f32x4.mul(rest2, slope), slope));
    const root = f32x4.add(f32x4.sqrt(f32x4.div(s, squareShare)), epsilon);
    const step = multiplyAdd(decay, old, f32x4.div(f32x4.div(m, meanShare), root));
    storeLanes(mean, m, left);
    storeLanes(square, s, left);
    storeLanes(parameter, multiplySubtract(rate, step, old), left);
    parameter += 16;
    mean += 16;
    square += 16;
    gradient += 16;
  }
}
