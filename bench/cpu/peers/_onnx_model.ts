/** Pieces of work as the bytes of ONNX models. The weights are part of the model, so that a runtime may pack them. */

import { encodeOnnx, type OnnxNode } from "../../../onnx/encode.ts";
import { graphToOnnx } from "../../../onnx/graph_to_onnx.ts";
import { recordNetwork } from "../networks.ts";
import { RESNET20, resNet20Forward } from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import type { Work } from "../work.ts";

const OPSET = 13, EPSILON = { float: 1e-5 };

function windowAttributes(kernel: number, stride: number, padding: number, group: number): OnnxNode["attributes"] {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    group,
  };
}

function networkNodes(): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const add = (opType: string, inputs: readonly string[], attributes?: OnnxNode["attributes"]): string => {
    const output = `v${nodes.length}`;
    nodes.push({ opType, inputs, outputs: [output], attributes });
    return output;
  };
  const logits = resNet20Forward<string>("image", {
    convNorm(input, { conv, norm, kernel, stride }, relu) {
      const padding = (kernel - 1) / 2;
      const features = add("Conv", [input, `${conv}.weight`], windowAttributes(kernel, stride, padding, 1));
      const statistics = ["weight", "bias", "running_mean", "running_var"].map((part) => `${norm}.${part}`);
      const normalized = add("BatchNormalization", [features, ...statistics], { epsilon: EPSILON });
      return relu ? add("Relu", [normalized]) : normalized;
    },
    addRelu: (left, right) => add("Relu", [add("Add", [left, right])]),
    head: (input) =>
      add(
        "Gemm",
        [add("Flatten", [add("GlobalAveragePool", [input])]), "fc.weight", "fc.bias"],
        { transB: 1 },
      ),
  });
  return [...nodes, { opType: "Identity", inputs: [logits], outputs: ["output"] }];
}

/** A model, and the name of its one input. */
export function onnxModel(work: Work, tensors: ReadonlyMap<string, Tensor>): { bytes: Uint8Array; input: string } {
  if (work.kind === "inference") {
    const { graph, output } = recordNetwork(work), { batch, network } = work;
    return { bytes: encodeOnnx(graphToOnnx(network, { graph, tensors, outputs: { output }, batch })), input: "image" };
  }
  let input: string, shape: readonly (number | string)[], nodes: OnnxNode[];
  if (work.kind === "matmul") {
    [input, shape] = ["a", [work.m, work.n]];
    nodes = [{ opType: "Gemm", inputs: ["a", "b"], outputs: ["output"], attributes: { transB: 1 } }];
  } else if (work.kind === "resnet20") {
    [input, shape, nodes] = ["image", [work.batch, RESNET20.classes], networkNodes()];
  } else if (work.kind === "training") {
    throw new Error("inference only: it has no gradients");
  } else {
    const { kernel, stride, padding, groups } = work, attributes = windowAttributes(kernel, stride, padding, groups);
    [input, shape] = ["x", ["N", "C", "H", "W"]];
    nodes = [{ opType: "Conv", inputs: ["x", "w"], outputs: ["output"], attributes }];
  }
  const constants = new Map([...tensors].filter(([name]) => name !== input && name !== "label"));
  const inputs = [{ name: input, shape: tensors.get(input)!.shape }], outputs = [{ name: "output", shape }];
  return { bytes: encodeOnnx({ name: "work", opset: OPSET, nodes, constants, inputs, outputs }), input };
}
