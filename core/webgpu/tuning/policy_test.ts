import { assertEquals, assertThrows } from "@std/assert";
import { f32 } from "../../graph/shape.ts";
import type { Op } from "../../op.ts";
import { ResiduaError } from "../../util/errors.ts";
import {
  architectureName,
  DEFAULT_PROFILE,
  DEVICE_PROFILES,
  type DeviceProfile,
  vendorName,
} from "./device_profile.ts";
import { implement, type KernelFamily, oneWay, type Rule } from "./family.ts";
import { type Application, KernelPolicy } from "./policy.ts";
import { anchor, type KernelTable, shapeClass } from "./tables.ts";

let emitted = 0;

function family(name: string, sizes: readonly number[], version = 1): KernelFamily<number, { readonly size: number }> {
  return {
    name,
    version,
    supports: (problem) => problem > 0,
    configurations: (_problem, { limits }) =>
      sizes.filter((size) => size <= limits.maxComputeInvocationsPerWorkgroup).map((size) => ({ size })),
    nameOf: ({ size }) => `${name} ${size}`,
    emit: () => {
      emitted++;
      return { kernels: [], workspace: [f32([3])] };
    },
  };
}

const FAMILIES = [family("plain", [1]), family("tiled", [64, 256, 1024], 3)];
const RULES: readonly Rule<number>[] = [
  { on: "apple", because: "it is small", family: "tiled", configuration: { size: 64 } },
  {
    on: "hardware",
    because: "many fit",
    when: (problem) => problem > 100,
    family: "tiled",
    configuration: { size: 1024 },
  },
  {
    on: "hardware",
    because: "some fit",
    when: (problem) => problem > 100,
    family: "tiled",
    configuration: { size: 256 },
  },
];

/** An application of an op to some numbers. */
function application(count: number, op: Partial<Op> = {}): Application {
  const webgpu = () => implement(count, FAMILIES, RULES);
  const inputs = [f32([count, 8])];
  return { op: { name: "sort", webgpu, ...op } as Op, inputs, outputs: inputs, attributes: {} };
}

function chosen(count: number, device: DeviceProfile, tables?: readonly KernelTable[]): [string, string] {
  const { variants, index, because } = new KernelPolicy(device, tables).explain(application(count));
  return [variants[index].name, because];
}

const HOPPER = DEVICE_PROFILES["nvidia-hopper"];

Deno.test("KernelPolicy takes the first rule that is for the device, applies, and whose configuration it has", () => {
  assertEquals(chosen(200, HOPPER), ["tiled 1024", "on hardware devices: many fit"]);
  assertEquals(chosen(200, DEFAULT_PROFILE), ["tiled 256", "on hardware devices: some fit"]);
  assertEquals(chosen(200, DEVICE_PROFILES.apple), ["tiled 64", "on apple devices: it is small"]);
  assertEquals(chosen(50, HOPPER), ["plain 1", "no rule applies, so the plainest kernel"]);
  assertEquals(chosen(200, DEVICE_PROFILES.lavapipe)[0], "plain 1");
});

Deno.test("KernelPolicy hands rules how the device would run a launch", () => {
  const launch = { blocks: 132, work: 1, threads: 1024, registers: 64, workgroupBytes: 0 };
  const rule: Rule<number> = {
    on: "hardware",
    because: "it fills the device",
    family: "tiled",
    configuration: (_problem, occupancy) => ({ size: occupancy.of(launch).waves > 1 ? 64 : 256 }),
  };
  const node = application(200, { webgpu: () => implement(200, FAMILIES, [rule]) });
  const chosen = (device: DeviceProfile) => {
    const { variants, index } = new KernelPolicy(device).explain(node);
    return variants[index].name;
  };
  // 132 multiprocessors, and the 32 that are assumed where they are not known.
  assertEquals([chosen(HOPPER), chosen(DEFAULT_PROFILE)], ["tiled 256", "tiled 64"]);
});

Deno.test("KernelPolicy prefers the table of the device to that of its architecture, its vendor, and of all", () => {
  const key = shapeClass(application(200));
  const table = (device: string, size: number): KernelTable => ({
    device,
    source: "a test",
    choices: { [key]: { kernel: "tiled@3", configuration: { size } } },
  });
  const tables = [table("default", 64), table("nvidia", 256), table("nvidia-hopper", 1024), table("amd", 64)];
  assertEquals(chosen(200, HOPPER, tables), ["tiled 1024", "the table of nvidia-hopper: a test"]);
  assertEquals(chosen(200, DEVICE_PROFILES.nvidia, tables), ["tiled 256", "the table of nvidia: a test"]);
  assertEquals(chosen(200, DEVICE_PROFILES.intel, tables), ["tiled 64", "the table of default: a test"]);
  assertEquals(chosen(200, HOPPER, [...tables, table(HOPPER.name, 64)])[0], "tiled 64");
  // 200 and 250 are of one class; 300 is of another.
  assertEquals(chosen(250, HOPPER, [table("default", 64)])[0], "tiled 64");
  assertEquals(chosen(300, HOPPER, [table("default", 64)])[0], "tiled 1024");
});

Deno.test("KernelPolicy passes over entries of another version and configurations that the device lacks", () => {
  const key = shapeClass(application(200));
  const table = (kernel: string, size: number): KernelTable => ({
    device: "default",
    source: "a test",
    choices: { [key]: { kernel, configuration: { size } } },
  });
  assertEquals(chosen(200, DEFAULT_PROFILE, [table("tiled@2", 64)])[0], "tiled 256");
  assertEquals(chosen(200, DEFAULT_PROFILE, [table("tiled@3", 1024)])[0], "tiled 256");
  assertEquals(chosen(200, DEFAULT_PROFILE, [table("tiled@3", 64)])[0], "tiled 64");
});

Deno.test("KernelPolicy writes no kernel before it is read, and each once", () => {
  emitted = 0;
  const policy = new KernelPolicy(HOPPER), node = application(200), { variants, index } = policy.explain(node);
  assertEquals([variants.length, emitted], [4, 0]);
  assertEquals(variants[index].workspace?.length, 1);
  assertEquals([variants[index].kernels.length, policy.explain(node).variants === variants, emitted], [0, true, 1]);
});

Deno.test("KernelPolicy says that an op has no WebGPU kernels", () => {
  const node = application(1, { webgpu: undefined });
  assertThrows(() => new KernelPolicy(HOPPER).explain(node), ResiduaError, "sort: expected WebGPU kernels");
});

Deno.test("oneWay() is a family of one configuration", () => {
  const [variant, ...more] = oneWay("plain", () => []).variants(DEFAULT_PROFILE);
  assertEquals([variant.name, variant.family, variant.configuration, more.length], ["plain", "plain", {}, 0]);
});

Deno.test("anchor() keeps small extents and rounds others up to a power of two", () => {
  assertEquals([1, 3, 7, 16, 17, 56, 64, 224].map(anchor), [1, 3, 7, 16, 32, 64, 64, 256]);
});

Deno.test("vendors and architectures are known by what runtimes tell", () => {
  assertEquals(["4318", "NVIDIA", "65541", "apple"].map(vendorName), ["nvidia", "nvidia", "mesa", "apple"]);
  assertEquals(architectureName("nvidia", "", "NVIDIA H100 80GB HBM3"), "nvidia-hopper");
  assertEquals(architectureName("nvidia", "Ampere", ""), "nvidia-ampere");
  assertEquals(architectureName("amd", "", "AMD Radeon RX 7900 XTX"), "");
  assertEquals(architectureName("intel", "", "Intel(R) Arc(tm) A770 Graphics (DG2)"), "intel-gen-12-hp");
});
