/** Which kernels join values by subgroups: on devices that have them, on hardware by rule, elsewhere for the tuner alone. */

import { assert, assertEquals } from "@std/assert";
import {
  DEVICE_PROFILES,
  type DeviceProfile,
  f32,
  Graph,
  KernelPolicy,
  kernelText,
  type Op,
  u32,
} from "../core/mod.ts";
import { batchNorm, channelSum, linear, softmaxCrossEntropy } from "../ops/mod.ts";

const CASES: readonly [op: Op, shapes: readonly (readonly number[])[], plain: string, bySubgroups: string][] = [
  [
    batchNorm as unknown as Op,
    [[64, 64, 56, 56], [64], [64], [64], [64]],
    "two kernels of workgroups",
    "two kernels of subgroups",
  ],
  [
    batchNorm as unknown as Op,
    [[16, 512, 7, 7], [512], [512], [512], [512]],
    "one kernel of workgroups",
    "one kernel of subgroups",
  ],
  [channelSum, [[64, 10]], "workgroups a row", "workgroups a row, by subgroups"],
  [softmaxCrossEntropy as unknown as Op, [[64, 10], [64]], "workgroup a row", "workgroup a row, by subgroups"],
];

function choose(op: Op, shapes: readonly (readonly number[])[], device: DeviceProfile) {
  const graph = new Graph();
  const inputs = shapes.map((shape, index) => {
    const labels = op === softmaxCrossEntropy as unknown as Op && index === 1;
    if (labels) return graph.input("labels", u32(shape));
    return op.updates?.includes(index)
      ? graph.state(`${index}`, f32(shape), { kind: "constant", value: 0 })
      : graph.input(`${index}`, f32(shape));
  });
  graph.apply(op, inputs, {});
  const [node] = graph.nodes, policy = new KernelPolicy(device), variant = policy.choose(node);
  const texts = (all: typeof variant) =>
    all.kernels.map((kernel) => kernelText(kernel, [...node.inputs, ...node.outputs, ...all.workspace ?? []]));
  return { name: variant.name, texts: texts(variant), all: policy.variants(node) };
}

Deno.test("hardware with subgroups joins values by them, and no other device has such kernels", () => {
  const hardware = DEVICE_PROFILES["nvidia-hopper"], software = DEVICE_PROFILES.lavapipe;
  for (const [op, shapes, plain, bySubgroups] of CASES) {
    const without = choose(op, shapes, hardware), having = choose(op, shapes, { ...hardware, subgroups: true });
    assertEquals([without.name, having.name], [plain, bySubgroups]);
    assert(without.all.every(({ name }) => !name.includes("subgroups")), op.name);
    assert(without.texts.every((text) => !text.includes("subgroup")), op.name);
    assert(having.texts.some((text) => text.startsWith("enable subgroups;\n")), op.name);
    assertEquals(
      choose(op, shapes, { ...software, subgroups: true }).name,
      choose(op, shapes, software).name,
      "software adapters keep what they have",
    );
  }
});

Deno.test("products by broadcasts are there for the tuner where a device has subgroups, and no rule prefers them", () => {
  const hardware = DEVICE_PROFILES["nvidia-hopper"], shapes = [[5, 64], [10, 64]];
  const without = choose(linear, shapes, hardware), having = choose(linear, shapes, { ...hardware, subgroups: true });
  const byBroadcasts = ({ all }: typeof having) =>
    all.map(({ name }) => name).filter((name) => /broadcasts/.test(name));
  assertEquals([byBroadcasts(without), having.name], [[], without.name]);
  // Of eight rows at most half are for nothing.
  assertEquals(byBroadcasts(having), [1, 2, 4, 8].map((rows) => `GEMM by broadcasts ${rows}x64`));
});
