/** Pieces of work as ONNX models, as the bytes of a file. Weights are part of the model, so that a runtime may pack them. */

import type { Value } from "../../../core/mod.ts";
import { recordNetwork } from "../networks.ts";
import { RESNET20, resNet20Forward } from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import type { InferenceWork, Work } from "../work.ts";

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

/** The nodes of a served network, op by op, and the constants that they need. */
function servedNodes(work: InferenceWork): { nodes: OnnxNode[]; constants: Map<string, Tensor> } {
  const { graph, output } = recordNetwork(work), nodes: OnnxNode[] = [];
  const constants = new Map([0, 6].map((bound) => [`bound ${bound}`, { shape: [], data: Float32Array.of(bound) }]));
  const nameOf = (value: Value) => value === output ? "output" : value.name || `v${value.id}`;
  for (const { op: { name }, arguments: inputs, results: [result], attributes: declared } of graph.nodes) {
    const input = inputs.map(nameOf), [, weight] = inputs, to = [nameOf(result)];
    const add = (opType: string, from: readonly string[], attribute: readonly unknown[] = [], output = to) =>
      nodes.push({ opType, input: from, output, attribute });
    const window = (kernel: readonly number[], groups: Readonly<Record<string, number>>) => {
      const { stride, padding } = declared as Readonly<Record<string, readonly number[]>>;
      return attributes({ kernel_shape: kernel, strides: stride, pads: [...padding, ...padding], ...groups });
    };
    const convolve = (group: number) => add("Conv", input, window(weight.spec.shape.slice(2), { group }));
    const translations: Readonly<Record<string, () => void>> = {
      conv2d: () => convolve(declared.groups as number),
      depthwiseConv2d: () => convolve(weight.spec.shape[0]),
      batchNormInference: () => add("BatchNormalization", input, attributes({ epsilon: declared.epsilon as number })),
      relu: () => add("Relu", input),
      relu6: () => add("Clip", [...input, ...constants.keys()]),
      add: () => add("Add", input),
      maxPool2d: () => add("MaxPool", input, window(declared.kernel as number[], {})),
      globalAveragePool() {
        add("GlobalAveragePool", input, [], [`${to[0]} planes`]);
        add("Flatten", [`${to[0]} planes`]);
      },
      linear: () => add("Gemm", input, attributes({ transB: 1 })),
    };
    if (translations[name] === undefined) throw new Error(`the op ${name} has no translation to ONNX here`);
    translations[name]();
  }
  return { nodes, constants };
}

/** A model, and the name of its one input. */
export function onnxModel(
  proto: OnnxProto,
  work: Work,
  tensors: ReadonlyMap<string, Tensor>,
): { bytes: Uint8Array; input: string } {
  let input: string, shape: readonly number[], node: OnnxNode[], constants: ReadonlyMap<string, Tensor> = new Map();
  if (work.kind === "matmul") {
    [input, shape] = ["a", [work.m, work.n]];
    node = [{ opType: "Gemm", input: ["a", "b"], output: ["output"], attribute: attributes({ transB: 1 }) }];
  } else if (work.kind === "resnet20") {
    [input, shape, node] = ["image", [work.batch, RESNET20.classes], networkNodes()];
  } else if (work.kind === "inference") {
    ({ nodes: node, constants } = servedNodes(work));
    [input, shape] = ["image", recordNetwork(work).output.spec.shape];
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
  const initializer = [...tensors, ...constants].filter(([name]) => name !== input && name !== "label").map((
    [name, tensor],
  ) => ({
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
