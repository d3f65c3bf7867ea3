/** `deno task summary`: a model's layers, parameters and work, and the memory of a training step. */

import { f32, Graph, type Plan, plan, plannedBytes, u32 } from "../../core/mod.ts";
import { type Model, modelByName, summarizeModel } from "../../models/mod.ts";
import { softmaxCrossEntropy, topKCorrect } from "../../ops/mod.ts";
import { sgd } from "../../train/mod.ts";
import { defineCommand } from "../command.ts";
import { type Condition, MOST } from "../options/option.ts";
import { beside, byChoice } from "../options/conditions.ts";
import { formatPlan, mebibytes, sizeOf } from "../reports/plan_report.ts";
import { loadGpu } from "../gpu/load_gpu.ts";
import { GPU_OPTION, MODEL_OPTION } from "../options/shared_options.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { formatTable } from "../reports/table.ts";

/** Where the plan is one for WebGPU. */
const WITH_WEBGPU_PLAN: Condition = (values) =>
  beside("plan", "expected --plan too")(values) ?? byChoice("backend", "webgpu")(values);

const OPTIONS = {
  model: { ...MODEL_OPTION, default: "resnet20" },
  classes: {
    kind: "integer",
    about: "the number of classes; defaults to the model's own",
    minimum: 2,
    maximum: MOST.classes,
  },
  size: {
    kind: "integer",
    about: "height and width of the images; defaults to the model's own",
    minimum: 1,
    maximum: MOST.size,
  },
  batch: {
    kind: "integer",
    about: "images in a training step, or in the inference shown",
    default: 128,
    minimum: 1,
    maximum: MOST.batch,
  },
  plan: { kind: "flag", about: "show the ops of a training step after fusion, and their buffers", default: false },
  inference: {
    kind: "flag",
    about: "with --plan: those of an inference instead",
    default: false,
    heededBy: beside("plan", "expected --plan too"),
  },
  backend: {
    kind: "text",
    about: "with --plan: where it is to run",
    default: "webgpu",
    choices: ["webgpu", "cpu"],
    heededBy: beside("plan", "expected --plan too"),
  },
  gpu: {
    ...GPU_OPTION,
    about: `with --plan: ${GPU_OPTION.about}`,
    heededBy: WITH_WEBGPU_PLAN,
  },
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
    ["--plan --inference --batch 1 --backend cpu", "with those of an inference of one image on the CPU"],
    ["--plan --gpu dawn", "with what runs on the adapter that Dawn finds"],
  ],
}, async (values, { given }) => {
  rejectUnusedOptions(OPTIONS, values, given);
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

  const { batch } = values, step = planTraining(model, batch), recomputed = planTraining(model, batch, true);
  const inference = planInference(model, values.inference ? batch : 1);
  console.log(
    `\nA training step at batch ${batch}: ${step.nodes.length} ops, ${
      mebibytes(plannedBytes(step))
    } MiB of activations and gradients in ` +
      `${step.bufferSizes.length} buffers (${mebibytes(plannedBytes(recomputed))} MiB with --recompute),\n${
        mebibytes(sizeOf(step.variables))
      } MiB of variables. Inference: ${inference.nodes.length} ops.`,
  );
  if (!values.plan) return;
  const backend = values.backend as "webgpu" | "cpu";
  console.log(`\n${values.inference ? "An inference" : "A training step"} at batch ${batch}:\n`);
  console.log(await formatPlan(values.inference ? inference : step, backend, await loadGpu(values.gpu)));
});

/** Plans what `Trainer` runs, without a device: allocating a large model's step only to count it could fail. */
function planTraining(model: Model, batch: number, recompute = false): Plan {
  const graph = new Graph({ training: true });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  const label = graph.input("label", u32([batch]));
  const [loss] = softmaxCrossEntropy.apply(graph, [logits, label]);
  const [correct] = topKCorrect.apply(graph, [logits, label], { k: 1 });
  sgd(graph, loss);
  return plan(graph, new Map(Object.entries({ loss, correct })), { recompute });
}

function planInference(model: Model, batch: number): Plan {
  const graph = new Graph();
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  return plan(graph, new Map([["logits", logits]]));
}
