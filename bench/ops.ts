/** Where a step of ResNet-20 spends its time on WebGPU: `deno task bench --ops [batch]`. */

import { type DispatchTime, formatSpec, openBackend, type Program, Random } from "../core/mod.ts";
import { Trainer } from "../train/mod.ts";
import { resnetBatch } from "./_work.ts";

/** Profiled steps; each dispatch counts with its fastest. */
const STEPS = 5;

interface Row {
  readonly name: string;
  calls: number;
  seconds: number;
  flops: number;
  bytes: number;
}

/** The fastest time of each dispatch over some steps. */
async function fastest(program: Program): Promise<DispatchTime[]> {
  if (program.profile === undefined) throw new Error("Only the backend webgpu can be profiled");
  let best = await program.profile();
  for (let step = 1; step < STEPS; step++) {
    const times = await program.profile();
    best = best.map((old, i) => times[i].seconds < old.seconds ? times[i] : old);
  }
  return best;
}

/** Joins the dispatches of equal applications of ops. */
function rowsOf(program: Program, times: readonly DispatchTime[]): Row[] {
  const rows = new Map<string, Row>(), counted = new Set<number>();
  for (const { op, variant, node, cost, passes, seconds } of times) {
    const shapes = program.plan.nodes[node].inputs.slice(0, 2).map(formatSpec).join(" ");
    const name = passes > 1 ? `${op} (${variant})` : `${op} ${shapes} (${variant})`;
    const row = rows.get(name) ?? { name, calls: 0, seconds: 0, flops: 0, bytes: 0 };
    rows.set(name, row);
    row.seconds += seconds;
    if (passes === 1 && counted.has(node)) continue;
    if (passes === 1) counted.add(node);
    row.calls++;
    row.flops += cost.flops;
    row.bytes += cost.bytes;
  }
  return [...rows.values()].sort((a, b) => b.seconds - a.seconds);
}

/** Prints a table of a training step, the slowest op first. */
export async function profileOps(batch: number): Promise<void> {
  const backend = await openBackend("webgpu");
  const { model, images, labels } = resnetBatch(batch, new Random(0, "bench"));
  const trainer = await Trainer.create({ model, backend, batch });
  trainer.step(images, labels, 0.1);
  await trainer.results();
  const times = await fastest(trainer.program), total = times.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`${backend.description}, a training step of ResNet-20, batch ${batch}, each dispatch's best of ${STEPS}`);
  console.log("     ms  share  calls  GFLOP/s    GB/s  op");
  for (const { name, calls, seconds, flops, bytes } of rowsOf(trainer.program, times)) {
    const cells = [
      (seconds * 1e3).toFixed(2).padStart(7),
      `${(100 * seconds / total).toFixed(1)}%`.padStart(6),
      String(calls).padStart(6),
      (flops / seconds / 1e9).toFixed(2).padStart(8),
      (bytes / seconds / 1e9).toFixed(2).padStart(7),
    ];
    console.log(`${cells.join(" ")}  ${name}`);
  }
  console.log(`${(total * 1e3).toFixed(2).padStart(7)} ms in ${times.length} dispatches`);
  trainer.destroy();
  backend.destroy();
}
