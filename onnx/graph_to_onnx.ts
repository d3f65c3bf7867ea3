/** A graph of inference with its tensors as an ONNX model. */

import { elementCount, type Graph, type Node, ResiduaError, type Shape, type Value } from "../core/mod.ts";
import type { Normalisation } from "../data/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";
import type { OnnxConstant, OnnxModel, OnnxNode } from "./encode.ts";
import { type OnnxWriter, writeOperator } from "./operators.ts";

/** The version of the operators that are written. */
export const OPSET = 17;

/** The name of a batch dimension of any size. */
const ANY_BATCH = "N";

/** What is exported. */
export interface OnnxSource {
  /** The graph, whose inputs and outputs have the batch first. */
  readonly graph: Graph;
  /** Its parameters and states. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** The values that come out, by name. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** The batch size. Defaults to any. */
  readonly batch?: number;
  /** The normalisation, if the model is to do it. */
  readonly normalisation?: Normalisation;
}

/** Collects nodes and constants under unique names. */
class Writer implements OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxConstant>();
  readonly #taken = new Set<string>();
  #scope = "";

  /** Begins an op, after which its operators are named. */
  begin(scope: string): void {
    this.#scope = scope;
  }

  add(opType: string, inputs: readonly string[], attributes: OnnxNode["attributes"] = {}): string {
    const base = this.#scope === "" ? opType.toLowerCase() : this.#scope;
    let name = base;
    for (let k = 1; this.#taken.has(name); k++) name = `${base}.${k}`;
    this.#taken.add(name);
    const output = `${name}.output`;
    this.nodes.push({ name, opType, inputs, outputs: [output], attributes });
    return output;
  }

  constant(name: string, value: OnnxConstant): string {
    if (!this.constants.has(name)) this.constants.set(name, value);
    return name;
  }

  /** Gives the result of the last operator another name. */
  rename(name: string): void {
    this.nodes.push({ ...this.nodes.pop()!, outputs: [name] });
  }
}

/** The layer that an op belongs to: `layer1.0.conv1` of a convolution by `layer1.0.conv1.weight`. */
function layerOf({ arguments: values }: Node): string {
  const parameter = values.find(({ kind }) => kind === "parameter");
  return parameter === undefined ? "" : parameter.name.replace(/\.[^.]*$/, "");
}

function variable({ name, kind, spec, initializer }: Value, tensors: OnnxSource["tensors"]): OnnxConstant {
  if (kind === "constant" && initializer?.kind === "constant") {
    return { shape: spec.shape, data: new Float32Array(elementCount(spec.shape)).fill(initializer.value) };
  }
  const tensor = tensors.get(name);
  if (tensor?.data instanceof Float32Array) return { shape: tensor.shape, data: tensor.data };
  throw new ResiduaError(`The ${kind} "${name}" has no float32 tensor to export`);
}

/** An image of the shape [C, H, W], less the mean of each channel or each pixel, by the deviation of each channel. */
function normalized(image: string, shape: Shape, { mean, std }: Normalisation, writer: Writer): string {
  const channels = [std.length, 1, 1], data = (values: readonly number[]) => new Float32Array(values);
  const means = { shape: mean.length === std.length ? channels : shape, data: data(mean) };
  const centred = writer.add("Sub", [image, writer.constant("normalisation.mean", means)]);
  return writer.add("Div", [centred, writer.constant("normalisation.std", { shape: channels, data: data(std) })]);
}

/**
 * Writes a graph, node by node.
 *
 * @param name The model's name.
 * @throws {ResiduaError} If an op of the graph cannot be written, or a tensor is missing.
 */
export function graphToOnnx(name: string, source: OnnxSource): OnnxModel {
  const { graph, tensors, outputs, batch = ANY_BATCH, normalisation } = source;
  const writer = new Writer(), names = new Map<Value, string>();
  const shapeOf = ({ spec }: Value) => [batch, ...spec.shape.slice(1)];
  const inputs = graph.values.filter(({ kind }) => kind === "input");
  for (const input of inputs) {
    names.set(
      input,
      normalisation === undefined
        ? input.name
        : normalized(input.name, input.spec.shape.slice(1), normalisation, writer),
    );
  }
  const resultNames = new Map(Object.entries(outputs).map(([name, value]) => [value, name]));
  const nameOf = (value: Value): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    names.set(value, value.name);
    return writer.constant(value.name, variable(value, tensors));
  };
  for (const node of graph.nodes) {
    const [result] = node.results;
    writer.begin(layerOf(node));
    writeOperator(node, node.arguments.map(nameOf), writer);
    const given = resultNames.get(result);
    if (given !== undefined) writer.rename(given);
    names.set(result, writer.nodes.at(-1)!.outputs[0]);
  }
  return {
    name,
    opset: OPSET,
    nodes: writer.nodes,
    constants: writer.constants,
    inputs: inputs.map((value) => ({ name: value.name, shape: shapeOf(value) })),
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, shape: shapeOf(value) })),
  };
}
