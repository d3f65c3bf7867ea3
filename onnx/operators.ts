/** How each op is written in ONNX's operators, version 17. */

import { type Node, ResiduaError } from "../core/mod.ts";
import type { OnnxAttribute, OnnxConstant } from "./encode.ts";

/** What an op is written with. */
export interface OnnxWriter {
  /** Adds an operator, and gives its output's name; the last one added gives the op's result. */
  add(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): string;
  /** Adds a constant, once for each name, and gives its name. */
  constant(name: string, value: OnnxConstant): string;
}

/** Writes one op; `inputs` are the names of its arguments. */
type OnnxOperator = (node: Node, inputs: readonly string[], writer: OnnxWriter) => void;

/** A window's attributes: vertical and horizontal; a padding may be that of four sides, in ONNX's order. */
interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

function windowAttributes({ kernel, stride, padding }: Window): Record<string, OnnxAttribute> {
  const pads = padding.length === 2 ? [...padding, ...padding] : padding;
  return { kernel_shape: kernel, strides: stride, pads };
}

function convolution(groups: (node: Node) => number): OnnxOperator {
  return (node, inputs, writer) => {
    const window = { ...node.attributes as unknown as Window, kernel: node.inputs[1].shape.slice(2) };
    const dilations = node.attributes.dilation as readonly number[];
    writer.add("Conv", inputs, { ...windowAttributes(window), dilations, group: groups(node) });
  };
}

function pooling(opType: string, own: (node: Node) => Record<string, OnnxAttribute>): OnnxOperator {
  return (node, inputs, writer) => {
    const { ceilMode } = node.attributes, window = windowAttributes(node.attributes as unknown as Window);
    writer.add(opType, inputs, { ...window, ceil_mode: Number(ceilMode), ...own(node) });
  };
}

function float(writer: OnnxWriter, value: number): string {
  return writer.constant(`float ${value}`, { shape: [], data: new Float32Array([value]) });
}

function integers(writer: OnnxWriter, values: readonly number[]): string {
  const data = BigInt64Array.from(values, BigInt);
  return writer.constant(`integers ${values.join(" ")}`, { shape: [values.length], data });
}

/** More than any extent: up to the end. */
const END = 2 ** 31 - 1;

const OPERATORS: Readonly<Record<string, OnnxOperator>> = {
  conv2d: convolution(({ attributes }) => attributes.groups as number),
  depthwiseConv2d: convolution(({ inputs }) => inputs[0].shape[1]),
  batchNormInference: ({ attributes }, inputs, writer) =>
    writer.add("BatchNormalization", inputs, { epsilon: { float: attributes.epsilon as number } }),
  relu: (_node, inputs, writer) => writer.add("Relu", inputs),
  relu6: (_node, [input], writer) => writer.add("Clip", [input, float(writer, 0), float(writer, 6)]),
  add: (_node, inputs, writer) => writer.add("Add", inputs),
  maxPool2d: pooling("MaxPool", ({ attributes }) => ({ dilations: attributes.dilation as number[] })),
  averagePool2d: pooling(
    "AveragePool",
    ({ attributes }) => ({ count_include_pad: Number(attributes.countIncludePad) }),
  ),
  globalAveragePool: (_node, inputs, writer) => writer.add("Flatten", [writer.add("GlobalAveragePool", inputs)]),
  linear: (_node, inputs, writer) => writer.add("Gemm", inputs, { transB: 1 }),
  subsamplePad: ({ inputs: [{ shape }], attributes }, [input], writer) => {
    const stride = attributes.stride as readonly number[], channels = attributes.channels as number;
    const ends = [[0, 0], [END, END], [2, 3], stride].map((values) => integers(writer, values));
    const kept = writer.add("Slice", [input, ...ends]);
    writer.add("Pad", [kept, integers(writer, [0, 0, 0, 0, 0, channels - shape[1], 0, 0])]);
  },
};

/**
 * Writes an op.
 *
 * @throws {ResiduaError} If ONNX files cannot hold it.
 */
export function writeOperator(node: Node, inputs: readonly string[], writer: OnnxWriter): void {
  if (!Object.hasOwn(OPERATORS, node.op.name)) {
    throw new ResiduaError(
      `The op ${node.op.name} cannot be exported to ONNX; those that can are ${Object.keys(OPERATORS).join(", ")}`,
    );
  }
  OPERATORS[node.op.name](node, inputs, writer);
}
