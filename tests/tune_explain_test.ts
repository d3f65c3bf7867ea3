/** `tune --explain` and `wgsl` say what would run, on a device that is not at hand. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runInProcess } from "./_in_process.ts";

const CONVOLUTION = ["conv2d", "64x64x56x56,64x64x3x3", "padding=1"];

Deno.test("tune --explain says which kernel runs on a device, why, and which others there are", async () => {
  const { code, stdout } = await runInProcess(["tune", "--explain", ...CONVOLUTION, "--device", "nvidia-hopper"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "on NVIDIA H100 80GB HBM3, hardware, nvidia-hopper\nruns ");
  const runs = stdout.split("\n").filter((line) => line.startsWith("→"));
  assertEquals(runs.length, 1);
  // 3,136 blocks, of which 132 multiprocessors run 8 each at a time; 128 registers a thread, 8 KiB of workgroup memory.
  assertMatch(runs[0], /implicit GEMM 64x64x16 8x8 .* 3136 +2\.97 +128 +8192 +\d+$/);
});

Deno.test("tune --explain --model lists the kernels of a model's step, or of its inference", async () => {
  const model = ["tune", "--explain", "--model", "resnet8", "--batch", "4", "--device", "lavapipe"];
  const step = await runInProcess(model), inference = await runInProcess([...model, "--inference"]);
  assertEquals([step.code, inference.code], [0, 0]);
  assertStringIncludes(step.stdout, "conv2dWeightGradient 4x3x32x32,4x16x32x32");
  assertEquals(inference.stdout.includes("Gradient"), false);
});

Deno.test("wgsl prints whole shaders, of the kernel that runs or of another", async () => {
  const { code, stdout } = await runInProcess(["wgsl", ...CONVOLUTION, "--device", "nvidia-hopper"]);
  assertEquals(code, 0);
  assertMatch(stdout, /@group\(0\) @binding\(0\) var<storage, read> source: array<.*\n/);
  assertStringIncludes(stdout, "@compute @workgroup_size");
  const other = await runInProcess(["wgsl", ...CONVOLUTION, "--variant", "no such"]);
  assertEquals(other.code, 2);
  assertStringIncludes(other.stderr, "--variant: expected one of ");
});

Deno.test("what belongs to --explain is refused without it", async () => {
  for (const args of [["--inference"], ["--device", "apple"]]) {
    const { code, stderr } = await runInProcess(["tune", ...args]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "expected --explain too");
  }
});
