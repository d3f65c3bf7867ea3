/** A run's network as blocks with shortcuts, traced from its description. */

import { elementCount, f32, Graph, type Node, type Value } from "../../../core/mod.ts";
import type { SequentialModel } from "../../../models/mod.ts";
import { describedModel } from "../../../weights/mod.ts";
import { json } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import type { RunWeights } from "./weights.ts";

/** A block of a network. */
export interface DrawnBlock {
  readonly name: string;
  /** What it does to its input in turn, such as `3x3, 64 /2`: a convolution's window, channels and stride. */
  readonly ops: readonly string[];
  /** What lies beside it: the input itself, the input with zero channels, a projection; nothing where it has no shortcut. */
  readonly shortcut?: "identity" | "padded" | "projection";
  /** Channels, height and width of what it gives, or the number of classes. */
  readonly output: readonly number[];
  readonly parameters: number;
}

/** Traces a network, and tells its blocks. */
export function drawnBlocks(model: SequentialModel): DrawnBlock[] {
  const graph = new Graph(), blocks: DrawnBlock[] = [];
  let value: Value = graph.input("image", f32([1, ...model.inputShape])), parameters = 0;
  for (const { name, block } of model.layers) {
    const from = graph.nodes.length, input = value;
    value = block.forward(graph, input);
    const nodes = graph.nodes.slice(from), beside = shortcutNodes(nodes, input);
    const all = graph.parameters.reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
    const shortcut = beside && kindOf(beside);
    blocks.push({
      name,
      ops: nodes.filter((node) => !beside?.includes(node)).flatMap(opText),
      ...(shortcut === undefined ? {} : { shortcut }),
      output: value.spec.shape.slice(1),
      parameters: all - parameters,
    });
    parameters = all;
  }
  return blocks;
}

/** The nodes between a block's input and its sum on the way that has fewer; nothing if it has no sum. */
function shortcutNodes(nodes: readonly Node[], input: Value): readonly Node[] | undefined {
  const sum = nodes.findLast(({ op }) => op.name === "add");
  if (sum === undefined) return undefined;
  const ways = sum.arguments.map((end) => between(nodes, input, end));
  return ways[0].length < ways[1].length ? ways[0] : ways[1];
}

function between(nodes: readonly Node[], input: Value, end: Value): Node[] {
  const node = end === input ? undefined : nodes.find(({ results }) => results.includes(end));
  return node === undefined ? [] : [node, ...between(nodes, input, node.arguments[0])];
}

function kindOf(nodes: readonly Node[]): DrawnBlock["shortcut"] {
  if (nodes.some(({ op }) => op.name === "conv2d")) return "projection";
  return nodes.length === 0 ? "identity" : "padded";
}

/** What a node is, in short; nothing of those that go without saying. */
function opText({ op, arguments: [input, weight], results, attributes }: Node): string[] {
  const [, channels, height] = results[0].spec.shape, by = Math.round(input.spec.shape[2] / height);
  const { kernel } = attributes as { readonly kernel?: readonly number[] };
  const stride = by > 1 ? ` /${by}` : "";
  switch (op.name) {
    case "conv2d":
      return [`${weight.spec.shape.slice(2).join("x")}, ${channels}${stride}`];
    case "depthwiseConv2d":
      return [`${weight.spec.shape.slice(2).join("x")} depthwise${stride}`];
    case "maxPool2d":
      return [`max pool${kernel === undefined ? "" : ` ${kernel.join("x")}`}${stride}`];
    case "globalAveragePool":
      return ["average pool"];
    case "linear":
      return [`linear, ${channels}`];
    default:
      return [];
  }
}

/** The details by the path at which they are asked for. */
export function networkDetails(weights: RunWeights): Readonly<Record<string, RunDetail>> {
  return {
    "/api/network": async (run) => {
      const { info } = await weights.of(run), model = describedModel({ classes: info.classes.length, ...info.model });
      return json({ name: model.name, input: model.inputShape, blocks: drawnBlocks(model) });
    },
  };
}
