/** The input tensors of a piece of work: the same random numbers for every peer. */

import { elementCount, Random } from "../../core/mod.ts";
import { servedShapes } from "./networks.ts";
import { RESNET20, RESNET20_TENSORS } from "./resnet20.ts";
import type { Tensor } from "./tensor_file.ts";
import { outputSize, type Work } from "./work.ts";

/** The shapes of a piece of work's tensors by name. */
function shapes(work: Work): Iterable<readonly [string, readonly number[]]> {
  if (work.kind === "matmul") return [["a", [work.m, work.k]], ["b", [work.n, work.k]]];
  if (work.kind === "resnet20") {
    return [["image", [work.batch, 3, work.size, work.size]], ["label", [work.batch]], ...RESNET20_TENSORS];
  }
  if (work.kind === "inference") return servedShapes(work);
  if (work.kind === "training") return [...servedShapes(work), ["label", [work.batch]]];
  const { batch, inputs, outputs, size, kernel, groups, pass } = work, out = outputSize(work);
  const x = ["x", [batch, inputs, size, size]] as const, w = ["w", [outputs, inputs / groups, kernel, kernel]] as const;
  const dy = ["dy", [batch, outputs, out, out]] as const;
  return { "forward": [x, w], "input-gradient": [dy, w], "weight-gradient": [x, dy] }[pass];
}

/** Draws an element of a tensor in the range of a real network, so that values neither overflow nor vanish. */
function drawing(name: string, shape: readonly number[], random: Random): () => number {
  if (name === "label") return () => random.integer(RESNET20.classes);
  const scaling = shape.length === 1 && name.endsWith(".weight");
  if (name.endsWith("running_var") || scaling) return () => 0.5 + random.uniform();
  const fan = name === "w" || name.endsWith(".weight") ? elementCount(shape.slice(1)) : 1;
  const scale = shape.length > 1 ? Math.sqrt(2 / fan) : 0.2;
  return () => scale * random.normal();
}

/** Draws the tensors of a piece of work. */
export function randomTensors(work: Work): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of shapes(work)) {
    const draw = drawing(name, shape, new Random(0, name));
    // Long tensors repeat a prime number of elements: drawing them all would take longer than measuring.
    const data = new Float32Array(elementCount(shape)), drawn = Math.min(data.length, 65_537);
    for (let i = 0; i < drawn; i++) data[i] = draw();
    for (let i = drawn; i < data.length; i += drawn) data.copyWithin(i, 0, Math.min(drawn, data.length - i));
    tensors.set(name, { shape, data });
  }
  return tensors;
}
