/**
 * Dynamic loss scaling for mixed precision (Micikevicius et al. 2018, section 3.2): gradients of f16 are those of the loss by a
 * scale, so that small ones do not become 0. It is all done on the device: where a gradient is not finite, the update is left
 * out and the scale is halved; after {@link GOOD_STEPS} good steps in a row it is doubled, as `torch.cuda.amp.GradScaler`
 * does.
 */

import { f32, type Graph, type Value } from "../../core/mod.ts";
import { lossScaleUpdate, nonFinite, scaleBy } from "../../ops/mod.ts";
import { OPTIMIZER_PREFIX } from "../../weights/mod.ts";

/** The scale of a run's first step. */
const FIRST_SCALE = 2 ** 16;

/** Good steps after which the scale is doubled. */
const GOOD_STEPS = 2000;

/** The scale of a graph's loss: a variable, which checkpoints of a run hold. Nothing in a graph of float32. */
export function lossScale(graph: Graph): Value | undefined {
  if (graph.precision !== "mixed") return undefined;
  return graph.state(`${OPTIMIZER_PREFIX}lossScale.scale`, f32([]), { kind: "constant", value: FIRST_SCALE });
}

/**
 * Records what becomes of the scale.
 *
 * @param gradients All gradients of the scaled loss.
 * @param ranks The ranks over which they are summed, of which the mean is to be taken. Defaults to 1.
 * @returns What they are to be multiplied by, []: 0 if the update is to be left out. Nothing in a graph of float32.
 */
export function recordLossScale(graph: Graph, gradients: readonly Value[], ranks = 1): Value | undefined {
  const scale = lossScale(graph);
  if (scale === undefined) return undefined;
  const goodSteps = graph.state(`${OPTIMIZER_PREFIX}lossScale.goodSteps`, f32([]), { kind: "constant", value: 0 });
  const [found] = nonFinite.apply(graph, gradients);
  const [factor] = lossScaleUpdate.apply(graph, [scale, goodSteps, found], { interval: GOOD_STEPS });
  return ranks === 1 ? factor : scaleBy.apply(graph, [factor, graph.constant(1 / ranks, f32([]))])[0];
}
