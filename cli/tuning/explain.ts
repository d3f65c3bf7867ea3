/** Says which kernels would run on a device, and why, without the device. */

import {
  type Application,
  describeNode,
  type DeviceProfile,
  f32,
  Graph,
  KernelPolicy,
  occupancy,
  type Plan,
  plan,
  shapeClass,
  type WebGpuVariant,
} from "../../core/mod.ts";
import type { Model } from "../../models/mod.ts";
import { traceStep } from "../../train/mod.ts";
import { wrapText } from "../reports/layout.ts";
import { fitTable } from "../reports/table.ts";
import { formatApplication } from "./application.ts";

/** The device as a line. */
export function formatDevice({ name, kind, vendor, architecture }: DeviceProfile): string {
  return [name, kind, architecture || vendor].filter((text) => text !== "").join(", ");
}

/** Which kernel runs for an application of an op, why, and which others there are. */
export function explainApplication(application: Application, device: DeviceProfile, width = Infinity): string {
  const { variants, index, because } = new KernelPolicy(device).explain(application);
  return [
    wrapText(formatApplication(application), width),
    wrapText(`on ${formatDevice(device)}`, width),
    wrapText(`runs ${variants[index].name}: ${because}`, width),
    wrapText(`class of shapes: ${shapeClass(application)}`, width),
    "",
    fitTable(
      [
        [
          "",
          "variant",
          "kernel",
          "configuration",
          "kernels",
          "workgroups",
          "scratch MiB",
          ...OCCUPANCY_HEAD,
        ],
        ...variants.map((variant, number) => rowOf(variant, number === index, device)),
      ],
      [0, 1, 2, 3],
      width,
      [...SPARE, "kernel"],
    ),
  ].join("\n");
}

/** The head of what is estimated of a variant. */
const OCCUPANCY_HEAD = ["blocks", "waves", "registers a thread", "workgroup bytes", "thousand cycles"];

/** The columns that a narrow terminal lacks, the first of them first. */
const SPARE = [
  "why",
  "workgroup bytes",
  "registers a thread",
  "scratch MiB",
  "workgroups",
  "kernels",
  "waves",
  "configuration",
  "blocks",
];

/** Kernels of a variant whose sizes are shown. */
const SHOWN = 4;

/** How a device is expected to run the blocks of a variant, if that is estimated: five cells. */
function occupancyCells({ launch }: WebGpuVariant, { multiprocessors }: DeviceProfile): (string | number)[] {
  if (launch === undefined) return ["", "", "", "", ""];
  const { waves, cycles } = occupancy(launch, multiprocessors);
  return [launch.blocks, waves.toFixed(2), launch.registers, launch.workgroupBytes, (cycles / 1000).toFixed(0)];
}

function rowOf(variant: WebGpuVariant, runs: boolean, device: DeviceProfile) {
  const { name, family, version, configuration, kernels, workspace = [] } = variant;
  const scratch = workspace.reduce(
    (sum, { shape }) => sum + 4 * shape.reduce((product, extent) => product * extent, 1),
    0,
  );
  return [
    runs ? "→" : "",
    name,
    `${family}@${version}`,
    Object.entries(configuration).map(([key, value]) => `${key} ${value}`).join(", "),
    kernels.length,
    kernels.slice(0, SHOWN).map(({ workgroups }) =>
      workgroups.filter((count, axis) => axis === 0 || count > 1).join("x")
    )
      .join(" + ") + (kernels.length > SHOWN ? " …" : ""),
    (scratch / 2 ** 20).toFixed(1),
    ...occupancyCells(variant, device),
  ];
}

/** Which kernel runs for each op and shape of a model's training step, or of its inference. */
export function explainModel(
  model: Model,
  batch: number,
  inference: boolean,
  device: DeviceProfile,
  width = Infinity,
): string {
  const policy = new KernelPolicy(device), rows: (string | number)[][] = [], seen = new Set<string>();
  for (const node of programOf(model, batch, inference).nodes) {
    const key = describeNode(node);
    if (seen.has(key)) continue;
    seen.add(key);
    const { variants, index, because } = policy.explain(node);
    rows.push([formatApplication(node), variants[index].name, ...occupancyCells(variants[index], device), because]);
  }
  const what = inference ? "An inference" : "A training step";
  return [
    wrapText(`${what} of ${model.name} at batch ${batch}, on ${formatDevice(device)}`, width),
    "",
    fitTable([["op", "kernel", ...OCCUPANCY_HEAD, "why"], ...rows], [0, 1, 2 + OCCUPANCY_HEAD.length], width, SPARE),
  ].join("\n");
}

/** The program of a training step, or of an inference. */
export function programOf(model: Model, batch: number, inference: boolean): Plan {
  if (!inference) {
    const { graph, scalars } = traceStep({ model, batch });
    return plan(graph, new Map(Object.entries(scalars)));
  }
  const graph = new Graph();
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  return plan(graph, new Map([["logits", logits]]));
}
