/** Pieces of work as ONNX models, as the bytes of a file. Weights are part of the model, so that a runtime may pack them. */

import { RESNET20, resNet20Forward } from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import type { Work } from "../work.ts";

/** The part of onnx-proto that is used. */
export interface OnnxProto {
  readonly onnx: { readonly ModelProto: { encode(model: unknown): { finish(): Uint8Array } } };
}

const IR_VERSION = 8, OPSET = 13, FLOAT = 1, INT = 2, INTS = 7, EPSILON = 1e-5;

/** A node of a graph. */
interface OnnxNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly unknown[];
}

function attributes(values: Readonly<Record<string, number | readonly number[]>>): unknown[] {
  return Object.entries(values).map(([name, value]) =>
    typeof value !== "number"
      ? { name, type: INTS, ints: value }
      : Number.isInteger(value)
      ? { name, type: INT, i: value }
      : { name, type: FLOAT, f: value }
  );
}

function windowAttributes(kernel: number, stride: number, padding: number, group: number): unknown[] {
  return attributes({
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    group,
  });
}

function networkNodes(): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const add = (opType: string, input: readonly string[], attribute: readonly unknown[] = []): string => {
    const output = `v${nodes.length}`;
    nodes.push({ opType, input, output: [output], attribute });
    return output;
  };
  const logits = resNet20Forward<string>("image", {
    convNorm(input, { conv, norm, kernel, stride }, relu) {
      const padding = (kernel - 1) / 2;
      const features = add("Conv", [input, `${conv}.weight`], windowAttributes(kernel, stride, padding, 1));
      const statistics = ["weight", "bias", "running_mean", "running_var"].map((part) => `${norm}.${part}`);
      const normalized = add("BatchNormalization", [features, ...statistics], attributes({ epsilon: EPSILON }));
      return relu ? add("Relu", [normalized]) : normalized;
    },
    addRelu: (left, right) => add("Relu", [add("Add", [left, right])]),
    head: (input) =>
      add(
        "Gemm",
        [add("Flatten", [add("GlobalAveragePool", [input])]), "fc.weight", "fc.bias"],
        attributes({ transB: 1 }),
      ),
  });
  return [...nodes, { opType: "Identity", input: [logits], output: ["output"], attribute: [] }];
}

/** A model, and the name of its one input. */
export function onnxModel(
  proto: OnnxProto,
  work: Work,
  tensors: ReadonlyMap<string, Tensor>,
): { bytes: Uint8Array; input: string } {
  let input: string, shape: readonly number[], node: OnnxNode[];
  if (work.kind === "matmul") {
    [input, shape] = ["a", [work.m, work.n]];
    node = [{ opType: "Gemm", input: ["a", "b"], output: ["output"], attribute: attributes({ transB: 1 }) }];
  } else if (work.kind === "resnet20") {
    [input, shape, node] = ["image", [work.batch, RESNET20.classes], networkNodes()];
  } else {
    const { kernel, stride, padding, groups } = work;
    input = "x";
    shape = ["N", "C", "H", "W"].map(() => -1);
    const attribute = windowAttributes(kernel, stride, padding, groups);
    node = [{ opType: "Conv", input: ["x", "w"], output: ["output"], attribute }];
  }
  const type = (dimensions: readonly number[]) => ({
    tensorType: {
      elemType: FLOAT,
      shape: { dim: dimensions.map((dimValue) => dimValue < 0 ? { dimParam: "unknown" } : { dimValue }) },
    },
  });
  const initializer = [...tensors].filter(([name]) => name !== input && name !== "label").map(([name, tensor]) => ({
    name,
    dims: tensor.shape,
    dataType: FLOAT,
    rawData: new Uint8Array(tensor.data.buffer),
  }));
  const model = {
    irVersion: IR_VERSION,
    opsetImport: [{ domain: "", version: OPSET }],
    graph: {
      name: "work",
      node,
      initializer,
      input: [{ name: input, type: type(tensors.get(input)!.shape) }],
      output: [{ name: "output", type: type(shape) }],
    },
  };
  return { bytes: proto.onnx.ModelProto.encode(model).finish(), input };
}
