/** `deno task summary`: a model's layers, parameters and work, and the memory of a training step. */

import { byteSize, f32, Graph, type Plan, plan, plannedBytes, u32 } from "../../core/mod.ts";
import { type Model, modelByName, summarizeModel } from "../../models/mod.ts";
import { softmaxCrossEntropy, topKCorrect } from "../../ops/mod.ts";
import { sgd } from "../../train/mod.ts";
import { defineCommand } from "../command.ts";
import { MODEL_OPTION } from "../shared_options.ts";
import { formatTable } from "../table.ts";

const OPTIONS = {
  model: { ...MODEL_OPTION, default: "resnet20" },
  classes: { kind: "integer", about: "the number of classes; the model's own unless given", minimum: 2 },
  size: { kind: "integer", about: "height and width of the images; the model's own unless given", minimum: 1 },
  batch: { kind: "integer", about: "the batch size of the training step", default: 128, minimum: 1 },
  plan: { kind: "flag", about: "show the ops of the training step after fusion", default: false },
} as const;

/** `deno task summary`. */
export const summaryCommand = defineCommand({
  name: "summary",
  about: "Show a model's layers, parameters, multiply-adds, and the memory of a training step.",
  options: OPTIONS,
  examples: [
    ["--model resnet56", "the table of ResNet-56"],
    ["--model mobilenet_v2_0.5 --size 160", "MobileNet-V2 of half the width, at another resolution"],
    ["--plan", "with the ops of a training step"],
  ],
}, (values) => {
  const { classes, size } = values;
  const model = modelByName(values.model, { classes, inputShape: size === undefined ? undefined : [3, size, size] });
  const { layers, parameters, multiplyAdds } = summarizeModel(model);
  console.log(`${model.name}: images of ${model.inputShape.join("x")} in ${model.classes} classes\n`);
  console.log(formatTable([
    ["layer", "output", "parameters", "multiply-adds"],
    ...layers.map((layer) => [
      layer.name,
      layer.output.join("x"),
      layer.parameters.toLocaleString("en"),
      layer.multiplyAdds.toLocaleString("en"),
    ]),
    ["total", "", parameters.toLocaleString("en"), multiplyAdds.toLocaleString("en")],
  ]));

  const step = planTraining(model, values.batch), inference = planInference(model);
  const recomputed = planTraining(model, values.batch, true);
  const variables = step.variables.reduce((sum, { spec }) => sum + byteSize(spec), 0);
  console.log(
    `\nA training step at batch ${values.batch}: ${step.nodes.length} ops, ${
      mebibytes(plannedBytes(step))
    } MiB of activations and gradients in ` +
      `${step.bufferSizes.length} buffers (${mebibytes(plannedBytes(recomputed))} MiB with --recompute), ${
        mebibytes(variables)
      } MiB of variables. Inference: ${inference.nodes.length} ops.`,
  );
  if (values.plan) console.log(`\n${planTable(step)}`);
  return Promise.resolve();
});

/** What `Trainer` runs, planned alone: allocating a large model's step only to count it could fail. */
function planTraining(model: Model, batch: number, recompute = false): Plan {
  const graph = new Graph({ training: true });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  const label = graph.input("label", u32([batch]));
  const [loss] = softmaxCrossEntropy.apply(graph, [logits, label]);
  const [correct] = topKCorrect.apply(graph, [logits, label], { k: 1 });
  sgd(graph, loss);
  return plan(graph, new Map(Object.entries({ loss, correct })), { recompute });
}

function planInference(model: Model): Plan {
  const graph = new Graph();
  const logits = model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return plan(graph, new Map([["logits", logits]]));
}

function planTable({ nodes, placement }: Plan): string {
  return formatTable([
    ["op", "output", "buffer", "MFLOP", "MB moved"],
    ...nodes.map((node) => {
      const { flops, bytes } = node.op.cost(node), [result] = node.results;
      return [
        node.op.name,
        result?.spec.shape.join("x") ?? node.arguments[0].name,
        result === undefined ? "in place" : placement.get(result)!,
        (flops / 1e6).toFixed(1),
        (bytes / 1e6).toFixed(1),
      ];
    }),
  ]);
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
