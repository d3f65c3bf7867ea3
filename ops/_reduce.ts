/** Sums within a workgroup of 64 threads, in a fixed order, so that runs repeat to the bit. */

/** The threads that take part. */
export const REDUCE_LANES = 64;

/**
 * WGSL functions `reduceTotal(lane, value)` (for a name `total`) that give every thread the workgroup's sum.
 *
 * @param names One function for each; each has workgroup memory of its own.
 */
export function workgroupSum(names: readonly string[]): string {
  return names.map((name) => {
    const title = name[0].toUpperCase() + name.slice(1);
    return `var<workgroup> ${name}Lanes: array<f32, ${REDUCE_LANES}>;
fn reduce${title}(lane: u32, value: f32) -> f32 {
  ${name}Lanes[lane] = value;
  workgroupBarrier();
  for (var half = ${REDUCE_LANES / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { ${name}Lanes[lane] += ${name}Lanes[lane + half]; }
    workgroupBarrier();
  }
  return ${name}Lanes[0];
}`;
  }).join("\n");
}
