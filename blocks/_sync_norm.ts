/** Batch norm by the statistics of all ranks, put together of its ops. */

import { elementCount, type Graph, type Value } from "../core/mod.ts";
import { allReduce, channelMoments, momentSpread, syncBatchNorm, syncStatistics } from "../ops/mod.ts";

/**
 * Records batch norm in training over the batches of all ranks.
 *
 * @param inputs As those of `batchNorm`: x, gamma, beta, and the running mean and variance, which follow.
 * @param epsilon What is added to the variance.
 */
export function syncNormalize(graph: Graph, inputs: readonly Value[], epsilon: number): Value {
  const [x, gamma, beta, ...running] = inputs, ranks = graph.statisticsRanks;
  const count = ranks * elementCount(x.spec.shape) / x.spec.shape[1];
  const [own, variance] = channelMoments.apply(graph, [x]), [total] = allReduce.apply(graph, [own]);
  const [spread] = allReduce.apply(graph, momentSpread.apply(graph, [own, variance, total], { ranks }));
  const statistics = syncStatistics.apply(graph, [total, spread, ...running], { ranks, count });
  return syncBatchNorm.apply(graph, [x, gamma, beta, ...statistics], { epsilon, ranks })[0];
}
