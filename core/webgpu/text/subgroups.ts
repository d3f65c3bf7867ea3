/**
 * WGSL of sums and maxima over a workgroup by subgroups. No size of a subgroup is assumed, nor which threads it has: a thread
 * finds out how many share its subgroup, and the how manieth of them it is.
 */

/** What joins the values of a workgroup's threads. */
export type Join = "sum" | "max";

/** The subgroup operation of a join. */
const OPERATIONS: Readonly<Record<Join, string>> = { sum: "subgroupAdd", max: "subgroupMax" };

/**
 * A WGSL function that gives every thread what all values of the workgroup's threads are joined to. Each subgroup joins its
 * own, leaves the result in workgroup memory, and joins what all have left, in the same order. A kernel calls it once.
 *
 * @param name The function's name.
 * @param memory The name of its workgroup memory.
 * @param lanes The threads of the workgroup.
 */
export function subgroupReduction(name: string, memory: string, lanes: number, join: Join): string {
  const operation = OPERATIONS[join];
  // A subgroup's result counts once in a sum; in a maximum as often as there are threads.
  const left = join === "sum" ? "select(0.0, own, rank == 0u)" : "own";
  const take = join === "sum" ? `all += ${memory}[k];` : `all = max(all, ${memory}[k]);`;
  return `var<workgroup> ${memory}: array<f32, ${lanes}>;
fn ${name}(lane: u32, value: f32) -> f32 {
  let own = ${operation}(value);
  let rank = subgroupExclusiveAdd(1u);
  let size = subgroupAdd(1u);
  ${memory}[lane] = ${left};
  workgroupBarrier();
  var all = ${join === "sum" ? "0.0" : "own"};
  for (var k = rank; k < ${lanes}u; k += size) { ${take} }
  return ${operation}(all);
}`;
}
