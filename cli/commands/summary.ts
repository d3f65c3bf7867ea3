/** `deno task summary`: a model's layers, parameters and work, and the memory of a training step. */

import { elementCount, f32, Graph, plan, plannedBytes, type Value } from "../../core/mod.ts";
import { describedModel, Trainer } from "../../train/mod.ts";
import { CpuBackend } from "../../core/mod.ts";
import { defineCommand } from "../command.ts";
import { MODEL_OPTION } from "../shared_options.ts";
import { formatTable } from "../table.ts";

const OPTIONS = {
  model: { ...MODEL_OPTION, default: "resnet20" },
  classes: { kind: "integer", about: "the number of classes", default: 10, minimum: 2 },
  batch: { kind: "integer", about: "the batch size of the training step", default: 128, minimum: 1 },
  plan: { kind: "flag", about: "show the ops of the training step after fusion", default: false },
} as const;

/** `deno task summary`. */
export const summaryCommand = defineCommand({
  name: "summary",
  about: "Show a model's layers, parameters, multiply-adds, and the memory of a training step.",
  options: OPTIONS,
  examples: [["--model resnet56", "the table of ResNet-56"], ["--plan", "with the ops of a training step"]],
}, async (values) => {
  const model = describedModel({ name: values.model, classes: values.classes });
  const graph = new Graph();
  let value: Value = graph.input("image", f32([1, ...model.inputShape]));
  const rows: (string | number)[][] = [["layer", "output", "parameters", "multiply-adds"]];
  let parameters = 0, products = 0, nodes = 0;
  for (const { name, block } of model.layers) {
    value = block.forward(graph, value);
    const total = graph.parameters.reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
    const work = graph.nodes.slice(nodes).filter(({ op }) => /^(conv2d|depthwiseConv2d|linear)$/.test(op.name))
      .reduce((sum, node) => sum + node.op.cost(node).flops / 2, 0);
    rows.push([name, value.spec.shape.slice(1).join("x"), total - parameters, work]);
    parameters = total;
    products += work;
    nodes = graph.nodes.length;
  }
  rows.push(["total", "", parameters, products]);
  console.log(
    formatTable(rows.map((row) => row.map((cell) => typeof cell === "number" ? cell.toLocaleString("en") : cell))),
  );

  const backend = new CpuBackend();
  const trainer = await Trainer.create({ model, backend, batch: values.batch });
  const step = trainer.program.plan, bytes = plannedBytes(step);
  const variables = step.variables.reduce((sum, { spec }) => sum + 4 * elementCount(spec.shape), 0);
  const inference = plan(graph, new Map([["logits", value]]));
  console.log(
    `\nA training step at batch ${values.batch}: ${step.nodes.length} ops, ${
      mebibytes(bytes)
    } MiB of activations and gradients in ` +
      `${step.bufferSizes.length} buffers, ${
        mebibytes(variables)
      } MiB of variables. Inference: ${inference.nodes.length} ops.`,
  );
  if (!values.plan) return;
  console.log("");
  console.log(formatTable([
    ["op", "output", "buffer", "MFLOP", "MB moved"],
    ...step.nodes.map((node) => {
      const { flops, bytes } = node.op.cost(node), [result] = node.results;
      return [
        node.op.name,
        result?.spec.shape.join("x") ?? node.arguments[0].name,
        result === undefined ? "in place" : step.placement.get(result)!,
        (flops / 1e6).toFixed(1),
        (bytes / 1e6).toFixed(1),
      ];
    }),
  ]));
});

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
