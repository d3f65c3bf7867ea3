/** Runs the test vectors of ONNX's operators by the ops that cover them, with their attributes as ONNX writes them. */

import { type Backend, compareArrays, compile, f32, Graph, u32, type Value } from "../core/mod.ts";
import {
  add,
  averagePool2d,
  batchNormInference,
  conv2d,
  globalAveragePool,
  linear,
  maxPool2d,
  relu,
  samePadding,
} from "../ops/mod.ts";
import nodes from "./golden/onnx_nodes.json" with { type: "json" };

interface NodeTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: string;
}

/** One case of `tools/golden_onnx_nodes.py`. */
export interface OnnxNodeCase {
  readonly name: string;
  readonly operator: string;
  readonly attributes: {
    readonly [name: string]: unknown;
    readonly kernel_shape?: readonly number[];
    readonly strides?: readonly number[];
    readonly dilations?: readonly number[];
    readonly pads?: readonly number[];
    readonly auto_pad?: string;
    readonly epsilon?: number;
  };
  readonly inputs: readonly NodeTensor[];
  readonly outputs: readonly NodeTensor[];
}

/** All cases. */
export const ONNX_NODES = nodes as unknown as readonly OnnxNodeCase[];

/** How a case gives an operator its attributes: which there are, how sides are padded, and how many outputs are asked for. */
function formOf({ operator, attributes, outputs }: OnnxNodeCase): string {
  const { pads = [], auto_pad } = attributes;
  const isPadded = pads.some((pad) => pad > 0), isSquare = pads.every((pad) => pad === pads[0]);
  const isEven = pads.every((pad, side) => pad === pads[side % (pads.length / 2)]);
  const padding = auto_pad ?? [isPadded, isSquare, isEven];
  const given = Object.keys(attributes).filter((name) => name !== "pads").sort();
  return [operator, ...given, padding, outputs.length].join();
}

/** The first case of each form. */
export function oneOfEachForm(cases: readonly OnnxNodeCase[]): OnnxNodeCase[] {
  const forms = cases.map(formOf);
  return cases.filter((_, index) => forms.indexOf(forms[index]) === index);
}

function bytesOf({ data }: NodeTensor): ArrayBuffer {
  return Uint8Array.from(atob(data), (character) => character.charCodeAt(0)).buffer;
}

/** The window of a node, with the specification's defaults. */
function windowOf({ attributes, inputs: [{ shape }] }: OnnxNodeCase) {
  const { kernel_shape: kernel, strides: stride = [1, 1], dilations: dilation = [1, 1], auto_pad } = attributes;
  const inputSize = shape.slice(2);
  const padding = auto_pad === undefined ? attributes.pads ?? [0, 0] : samePadding({
    inputSize,
    kernel: kernel!,
    stride,
    dilation,
    odd: auto_pad === "SAME_LOWER" ? "before" : "after",
  });
  return { kernel: kernel!, stride, dilation, padding };
}

/** Records a node; its outputs. */
function record(graph: Graph, node: OnnxNodeCase, inputs: readonly Value[]): Value[] {
  const { attributes } = node;
  switch (node.operator) {
    case "Add":
      return add.apply(graph, inputs);
    case "AveragePool": {
      const { kernel, stride, padding } = windowOf(node), ceilMode = attributes.ceil_mode === 1;
      const countIncludePad = attributes.count_include_pad === 1;
      return averagePool2d.apply(graph, inputs, { kernel, stride, padding, ceilMode, countIncludePad });
    }
    case "BatchNormalization":
      return batchNormInference.apply(graph, inputs, { epsilon: attributes.epsilon ?? 1e-5 });
    case "Conv": {
      const { stride, dilation, padding } = windowOf(node);
      return conv2d.apply(graph, inputs, { stride, dilation, padding });
    }
    case "Gemm":
      return linear.apply(graph, inputs);
    case "GlobalAveragePool":
      return globalAveragePool.apply(graph, inputs);
    case "MaxPool":
      return maxPool2d.apply(graph, inputs, { ...windowOf(node), ceilMode: attributes.ceil_mode === 1 });
    case "Relu":
      return relu.apply(graph, inputs);
  }
  throw new Error(`No op is known for ${node.operator}`);
}

/** Holds a node's outputs to ONNX's, in their shapes but for extents of 1. */
export async function checkOnnxNode(backend: Backend, node: OnnxNodeCase): Promise<void> {
  const graph = new Graph();
  // Gemm's bias is of one row, ours of none.
  const shapeOf = ({ shape }: NodeTensor, index: number) =>
    node.operator === "Gemm" && index === 2 ? shape.slice(1) : shape;
  const inputs = node.inputs.map((tensor, index) => graph.input(`${index}`, f32(shapeOf(tensor, index))));
  const results = record(graph, node, inputs).slice(0, node.outputs.length);
  const outputs = Object.fromEntries(results.map((value, index) => [`output ${index}`, value]));
  const program = await compile(graph, backend, { outputs, poison: true });
  try {
    node.inputs.forEach((tensor, index) => program.write(`${index}`, new Float32Array(bytesOf(tensor))));
    program.run();
    for (const [index, tensor] of node.outputs.entries()) {
      const name = `output ${index}`, isFloat = tensor.dtype === "f32", bytes = bytesOf(tensor);
      const shape = node.operator === "GlobalAveragePool" ? tensor.shape.slice(0, 2) : tensor.shape;
      const expected = Float64Array.from(isFloat ? new Float32Array(bytes) : new Uint32Array(bytes));
      compareArrays(name, isFloat ? f32(shape) : u32(shape), await program.read(name), expected);
    }
  } finally {
    program.destroy();
  }
}
