/**
 * Gradients of ranks that train together: each rank's loss counts by its share of all, so that sums over ranks are means, as
 * `torch.nn.parallel.DistributedDataParallel` gives them (Li et al. 2020, "PyTorch Distributed", section 3.2.3: buckets).
 */

import {
  byteSize,
  type Graph,
  type Node,
  type Precision,
  type Transport,
  UsageError,
  type Value,
} from "../core/mod.ts";
import { allReduce } from "../ops/mod.ts";
import type { parameterGradients } from "./optimizers/optimizer.ts";

/** How gradients are summed. */
interface GradientSums {
  /** The bytes from which on a bucket is full. Defaults to a quarter of all, within 64 KiB and 4 MiB. */
  readonly bucketBytes?: number;
  /** How they travel under mixed precision. Defaults to float32. */
  readonly transport?: Transport;
  /** How the step computes. */
  readonly precision?: Precision;
}

type ParameterGradient = ReturnType<typeof parameterGradients>[number];

/** The least and the most bytes of a bucket, unless given: a sum has its own cost, and what is last has nothing beside it. */
const LEAST_BUCKET = 64 << 10, MOST_BUCKET = 4 << 20;
/** The buckets of a network that is small. */
const BUCKETS = 4;

/**
 * Records the sums of gradients over all ranks, in buckets. Gradients join a bucket in the order in which the backward pass
 * finishes them, so that its sum runs beside the rest of the pass.
 *
 * @returns The parameters, in the order given, with the sums.
 * @throws {UsageError} If the bytes are not above 0.
 */
export function sumGradients(
  graph: Graph,
  gradients: readonly ParameterGradient[],
  { bucketBytes = defaultBucket(gradients), precision, ...given }: GradientSums,
): ParameterGradient[] {
  // Gradients of float32 would lose what is small.
  const transport = precision === "mixed" ? given.transport : "float32";
  if (!(bucketBytes > 0)) {
    throw new UsageError(`Expected \`bucketBytes\` to be above 0 but it is ${bucketBytes}`);
  }
  const order = new Map<Node, number>(graph.nodes.map((node, index) => [node, index]));
  const finished = ({ gradient }: ParameterGradient) => {
    const node = graph.producer(gradient);
    return node === undefined ? -1 : order.get(node)!;
  };
  const sums = new Map<Value, Value>();
  let bucket: Value[] = [], bytes = 0;
  const close = () => {
    if (bucket.length === 0) return;
    allReduce.apply(graph, bucket, { transport: transport ?? "float32" }).forEach((sum, index) =>
      sums.set(bucket[index], sum)
    );
    bucket = [];
    bytes = 0;
  };
  for (const { gradient } of gradients.toSorted((a, b) => finished(a) - finished(b))) {
    bucket.push(gradient);
    bytes += byteSize(gradient.spec);
    if (bytes >= bucketBytes) close();
  }
  close();
  return gradients.map(({ parameter, gradient }) => ({ parameter, gradient: sums.get(gradient)! }));
}

function defaultBucket(gradients: readonly ParameterGradient[]): number {
  const bytes = gradients.reduce((sum, { gradient }) => sum + byteSize(gradient.spec), 0);
  return Math.min(MOST_BUCKET, Math.max(LEAST_BUCKET, Math.ceil(bytes / BUCKETS)));
}
