/**
 * Which WebGPU kernel runs for each layer of the networks, found without a device. `tools/golden_kernels.ts` writes what is
 * chosen to `tests/golden/kernels.txt`; `tests/kernel_choice_test.ts` holds the choice to it.
 */

import {
  DEVICE_PROFILES,
  f32,
  Graph,
  KernelPolicy,
  type Node,
  type Plan,
  plan,
  type WebGpuVariant,
  withConstantSizes,
} from "../core/mod.ts";
import { type Model, modelByName } from "../models/mod.ts";
import { foldBatchNorm } from "../inference/mod.ts";
import { type NamedTensor, variableSpecs } from "../weights/mod.ts";
import { traceStep } from "../train/mod.ts";

/** The devices that a choice is recorded for: Mesa's lavapipe, a hardware adapter, and what every device offers. */
const PROFILES = ["lavapipe", "nvidia-hopper", "default"].map((name) => DEVICE_PROFILES[name]);

/** Each network with the batch that it is usually trained on. */
const NETWORKS = [["resnet20", 128], ["resnet18", 64], ["resnet50", 64], ["mobilenet_v2", 64]] as const;
/** The batches of inference. */
const INFERENCES = [1, 16];

/** What is chosen, a line an op and shape of each program: the kernel on each profile, with a hash of its text. */
export function kernelChoices(): string[] {
  const policies = PROFILES.map((profile) => new KernelPolicy(profile)), lines: string[] = [];
  for (const [name, batch] of NETWORKS) {
    const model = modelByName(name);
    const programs: [string, Plan][] = [
      [`${name}, training at ${batch}`, trainingPlan(model, batch)],
      ...INFERENCES.map((batch): [string, Plan] => [`${name}, inference at ${batch}`, inferencePlan(model, batch)]),
    ];
    for (const [title, { nodes }] of programs) {
      lines.push(`# ${title}`);
      const seen = new Set<string>();
      for (const node of nodes) {
        const line = `${describe(node)} | ${policies.map((policy) => fingerprint(policy.choose(node))).join(" | ")}`;
        if (!seen.has(line)) lines.push(line);
        seen.add(line);
      }
    }
  }
  return lines;
}

/** Attributes of poolings that a line leaves out where they are the defaults. */
const RARELY_SET = ["ceilMode", "dilation", "countIncludePad"];

function describe({ op, inputs, attributes }: Node): string {
  const isShown = ([name, value]: [string, unknown]) =>
    !op.name.includes("Pool2d") || !RARELY_SET.includes(name) || String(value) !== String(op.attributes[name]);
  const shown = Object.fromEntries(Object.entries(attributes).filter(isShown));
  const shapes = inputs.map(({ dtype, shape }) => `${dtype === "f32" ? "" : dtype}${shape.join("x")}`);
  return `${op.name}(${shapes.join(", ")})${JSON.stringify(shown)}`;
}

/** The name of a variant, the number of its kernels, and a hash of all that they are. */
function fingerprint({ name, kernels, workspace = [] }: WebGpuVariant): string {
  let hash = 2166136261;
  const add = (text: string) => {
    for (let k = 0; k < text.length; k++) hash = Math.imul(hash ^ text.charCodeAt(k), 16777619);
  };
  for (const { wgsl, bindings, workgroups, elements } of kernels) {
    add(canonical(withConstantSizes(wgsl), bindings.map(({ name }) => name)));
    add(bindings.map(({ index, write, vector, texels }) => `${index}${write}${vector}${texels}`).join());
    add(`${workgroups} ${elements === undefined} ${workspace.map(({ shape, dtype }) => `${dtype}${shape}`)}`);
  }
  return `${name} [${kernels.length}] ${(hash >>> 0).toString(16).padStart(8, "0")}`;
}

/** A text in which names are numbered in the order of their appearance, without comments and white space. */
function canonical(wgsl: string, bound: readonly string[]): string {
  const names = new Map(bound.map((name, index) => [name, `b${index}`]));
  return wgsl.replace(/\/\/.*$/gm, "").replace(/(?<![\w.])[A-Za-z_]\w*/g, (word) => {
    const known = names.get(word) ?? `n${names.size}`;
    names.set(word, known);
    return known;
  }).replace(/\s+/g, "");
}

function trainingPlan(model: Model, batch: number): Plan {
  const { graph, scalars } = traceStep({ model, batch });
  return plan(graph, new Map(Object.entries(scalars)));
}

/** The program that predicts, batch norm folded into the convolutions. */
function inferencePlan(model: Model, batch: number): Plan {
  const graph = new Graph();
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  const tensors = new Map<string, NamedTensor>();
  for (const [name, { shape }] of variableSpecs(graph)) {
    tensors.set(name, { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) });
  }
  const folded = foldBatchNorm(graph, tensors, { logits });
  return plan(folded.graph, new Map(Object.entries(folded.outputs)));
}
