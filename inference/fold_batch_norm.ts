/** Folds batch norm by running statistics into the convolution before it, for inference: fewer passes over memory. */

import { f32, Graph, type Node, type Precision, UsageError, type Value } from "../core/mod.ts";
import { batchNormInference, conv2d, depthwiseConv2d } from "../ops/mod.ts";
import { expectTensors, type NamedTensor, variableSpecs } from "../weights/mod.ts";

/** A graph with the tensors of its variables. */
export interface FoldedGraph {
  /** The graph, in which folded convolutions have a bias and their batch norms are gone. */
  readonly graph: Graph;
  /** The elements of the graph's parameters and states, by name. */
  readonly tensors: Map<string, NamedTensor>;
  /** The values that can be read after a step, by the names that came. */
  readonly outputs: Record<string, Value>;
}

/** A convolution and the batch norm that alone reads its result. */
interface Pair {
  readonly convolution: Node;
  readonly norm: Node;
}

function isVariable({ kind }: Value): boolean {
  return kind === "parameter" || kind === "state";
}

/** The name of a folded convolution's bias: that of its weight, `layer1.0.conv1.weight`, with another end. */
function biasName(weight: string): string {
  return `${weight.replace(/\.?weight$/, "")}.bias`;
}

/** The pairs that can be folded, by their norm. */
function findPairs(graph: Graph, outputs: readonly Value[]): Map<Node, Pair> {
  const uses = new Map<Value, number>();
  for (const value of [...outputs, ...graph.nodes.flatMap((node) => node.arguments)]) {
    uses.set(value, (uses.get(value) ?? 0) + 1);
  }
  const names = new Set(graph.values.map(({ name }) => name)), pairs = new Map<Node, Pair>();
  for (const norm of graph.nodes) {
    const convolution = graph.producer(norm.arguments[0]);
    if (norm.op.name !== batchNormInference.name || convolution === undefined) continue;
    if (convolution.op.name !== conv2d.name && convolution.op.name !== depthwiseConv2d.name) continue;
    const [, weight, bias] = convolution.arguments, own = bias === undefined ? [weight] : [weight, bias];
    const alone = [...convolution.results, ...own].every((value) => uses.get(value) === 1);
    const known = [...own, ...norm.arguments.slice(1)].every(isVariable);
    const free = bias !== undefined || !names.has(biasName(weight.name));
    if (alone && known && free) pairs.set(norm, { convolution, norm });
  }
  return pairs;
}

/** The weight and the bias of a folded pair, computed in float64. */
function foldPair({ convolution, norm }: Pair, tensors: ReadonlyMap<string, NamedTensor>): NamedTensor[] {
  const data = (value: Value | undefined) => value === undefined ? undefined : tensors.get(value.name)!.data;
  const [, weightValue, biasValue] = convolution.arguments, weight = tensors.get(weightValue.name)!;
  const [gamma, beta, mean, variance] = norm.arguments.slice(1).map((value) => data(value)!);
  const ownBias = data(biasValue), { epsilon } = norm.attributes as { readonly epsilon: number };
  const channels = gamma.length, taps = weight.data.length / channels;
  const folded = new Float32Array(weight.data.length), bias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const scale = gamma[c] / Math.sqrt(variance[c] + epsilon);
    for (let k = c * taps; k < (c + 1) * taps; k++) folded[k] = weight.data[k] * scale;
    bias[c] = beta[c] + ((ownBias?.[c] ?? 0) - mean[c]) * scale;
  }
  return [{ shape: weight.shape, data: folded }, { shape: [channels], data: bias }];
}

/**
 * Folds each batch norm into the convolution before it where nothing else reads that convolution: its weights are
 * multiplied by γ/√(variance + ε), and its bias becomes β + (bias - mean)·γ/√(variance + ε). `conv1.weight` keeps its
 * name; the bias is `conv1.bias`. A norm before its convolution, as in pre-activation blocks, stays what it is.
 *
 * @param graph A graph of inference; it is not changed.
 * @param tensors The elements of its parameters and states, by name; those of an optimiser are left out of the result.
 * @param outputs Values that must exist in the result, by name.
 * @param source What the tensors come from, for messages.
 * @param precision How the result computes; what is folded is float32. The graph must be one of float32.
 * @throws {UsageError} If the graph is one of training.
 * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { cifarResNet } from "@residua/residua/models";
 * import { foldBatchNorm } from "@residua/residua/inference";
 * import { initialize } from "@residua/residua/weights";
 * const graph = new Graph(), model = cifarResNet({ depth: 8 });
 * const logits = model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
 * const tensors = new Map(
 *   graph.values.filter(({ initializer }) => initializer !== undefined).map(({ name, spec, initializer }) =>
 *     [name, { shape: spec.shape, data: initialize(initializer!, spec.shape, 0, name) }]
 *   ),
 * );
 * const folded = foldBatchNorm(graph, tensors, { logits });
 * console.log(folded.tensors.has("conv1.bias"), folded.tensors.has("bn1.weight")); // true false
 * ```
 */
export function foldBatchNorm(
  graph: Graph,
  tensors: ReadonlyMap<string, NamedTensor>,
  outputs: Readonly<Record<string, Value>>,
  source = "foldBatchNorm",
  precision: Precision = "float32",
): FoldedGraph {
  if (graph.training || graph.precision !== "float32") {
    const kind = graph.training ? "for training" : "in mixed precision";
    throw new UsageError(`foldBatchNorm: expected a graph of inference in float32, but this one was recorded ${kind}`);
  }
  expectTensors(variableSpecs(graph), tensors, source);
  const pairs = findPairs(graph, Object.values(outputs));
  const inner = new Set([...pairs.values()].map(({ convolution }) => convolution));
  const result = new Graph({ precision }), held = new Map<string, NamedTensor>(), values = new Map<Value, Value>();

  const variable = (
    kind: Value["kind"],
    name: string,
    tensor: NamedTensor,
    initializer: Value["initializer"],
  ): Value => {
    held.set(name, tensor);
    return result[kind === "state" ? "state" : "parameter"](name, f32(tensor.shape), initializer!);
  };
  const copy = (value: Value): Value => {
    const known = values.get(value);
    if (known !== undefined) return known;
    const { kind, name, spec, initializer } = value;
    const copied = isVariable(value)
      ? variable(kind, name, tensors.get(name)!, initializer)
      : initializer?.kind === "constant"
      ? result.constant(initializer.value, spec)
      : result.input(name, spec);
    values.set(value, copied);
    return copied;
  };
  for (const node of graph.nodes) {
    if (inner.has(node)) continue;
    const pair = pairs.get(node);
    let results: Value[];
    if (pair === undefined) results = result.apply(node.op, node.arguments.map(copy), node.attributes);
    else {
      const { op, arguments: [input, weight, bias], attributes } = pair.convolution;
      const tensor = foldPair(pair, tensors), start = { kind: "constant", value: 0 } as const;
      const inputs = [
        copy(input),
        variable(weight.kind, weight.name, tensor[0], weight.initializer),
        variable("parameter", bias?.name ?? biasName(weight.name), tensor[1], start),
      ];
      results = result.apply(op, inputs, attributes);
    }
    node.results.forEach((value, index) => values.set(value, results[index]));
  }
  const named = Object.entries(outputs).map(([name, value]) => [name, copy(value)] as const);
  return { graph: result, tensors: held, outputs: Object.fromEntries(named) };
}
