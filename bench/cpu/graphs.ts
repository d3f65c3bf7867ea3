/** A piece of work as a graph of this library, which its backends run, and whose float64 results judge every peer. */

import { f32, Graph, type Value } from "../../core/mod.ts";
import { conv2d, conv2dInputGradient, conv2dWeightGradient, depthwiseConv2d, linear } from "../../ops/mod.ts";
import type { ConvolutionWork, MatrixProductWork } from "./work.ts";
import type { Tensor } from "./tensor_file.ts";

/** Records a product or a convolution; its inputs are named as the work's tensors, its output is returned. */
export function recordOp(
  work: MatrixProductWork | ConvolutionWork,
  tensors: ReadonlyMap<string, Tensor>,
): { graph: Graph; output: Value } {
  const graph = new Graph();
  const inputs = [...tensors].map(([name, { shape }]) => graph.input(name, f32(shape)));
  if (work.kind === "matmul") return { graph, output: linear.apply(graph, inputs)[0] };
  const { pass, kernel, size, groups, stride, padding } = work;
  const window = { stride: [stride, stride], padding: [padding, padding] };
  if (pass === "forward") {
    return {
      graph,
      output: groups === 1 ? conv2d.apply(graph, inputs, window)[0] : depthwiseConv2d.apply(graph, inputs, window)[0],
    };
  }
  return {
    graph,
    output: pass === "input-gradient"
      ? conv2dInputGradient.apply(graph, inputs, { ...window, groups, inputSize: [size, size] })[0]
      : conv2dWeightGradient.apply(graph, inputs, { ...window, groups, kernelSize: [kernel, kernel] })[0],
  };
}
