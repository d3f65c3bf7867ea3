/** Profiles on the CPU: the stages of kernels, steps of a run, the device's peaks, and what the commands make of them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compile, CpuBackend, f32, Graph, Random } from "../core/mod.ts";
import { conv2d, relu } from "../ops/mod.ts";
import { testWhole } from "./_all.ts";
import { runBench, runCli, withFolder, writeCifar } from "./_cli.ts";
import { checkProfiledRun } from "./_profile.ts";

Deno.test("profile() times each stage of a step on the CPU, computes what run() does, and records", async () => {
  const backend = await CpuBackend.create({ threads: 2 }), random = new Random(1, "profile");
  const data = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  const image = data(2 * 3 * 9 * 7), weight = data(5 * 3 * 3 * 3);
  const results = [];
  for (const profiled of [false, true]) {
    const graph = new Graph(), x = graph.input("x", f32([2, 3, 9, 7])), w = graph.input("w", f32([5, 3, 3, 3]));
    const [y] = relu.apply(graph, conv2d.apply(graph, [x, w], { padding: [1, 1] }));
    const program = await compile(graph, backend, { outputs: { y }, fuse: false });
    program.write("x", image);
    program.write("w", weight);
    if (profiled) {
      const before = performance.now() / 1000, times = await program.profile(), after = performance.now() / 1000;
      assertEquals([...new Set(times.map(({ op }) => op))], ["conv2d", "relu"]);
      assertEquals(
        times.filter(({ op }) => op === "relu").map((
          { variant, kernel, node, kernels },
        ) => [variant, kernel, node, kernels]),
        [
          ["clampElements", 0, 1, 1],
        ],
      );
      assert(times.length > 2, "the convolution has several stages");
      let end = before;
      for (const { start, seconds } of times) {
        assert(start >= end && seconds >= 0, `${start} is before ${end}, or ${seconds} below 0`);
        end = start + seconds - 1e-9;
      }
      assert(end <= after, `${end} is after ${after}`);
    } else program.run();
    results.push(await program.read("y"));
    program.destroy();
  }
  assertEquals(results[1], results[0]);
  backend.destroy();
});

Deno.test("fit() profiles steps without changing a bit", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  await checkProfiledRun(backend, {});
  await checkProfiledRun(backend, { accumulate: 2, ema: 0.9, warmupError: 0.4, warmupRate: 0.01 });
  backend.destroy();
});

Deno.test("measurePeaks() of more threads than one is finite, and above nothing", async () => {
  const backend = await CpuBackend.create({ threads: 2 }), { flops, bytes } = await backend.measurePeaks();
  // Any machine that runs this does a hundredth of this, and none a thousand times as much.
  assert(flops > 1e8 && flops < 1e14, `${flops} operations a second`);
  assert(bytes > 1e7 && bytes < 1e13, `${bytes} bytes a second`);
  backend.destroy();
});

testWhole("train --profile prints a table, leaves a trace, and trains as without", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 32);
    const train = ["train", "--data", folder, "--model", "resnet8", "--backend", "cpu", "--steps", "4", "--batch", "8"];
    const timed = await runCli([...train, "--out", `${folder}/timed`, "--profile"]);
    assertEquals(timed.code, 0, timed.stderr);
    for (
      const part of ["4 steps profiled on CPU", "of roofline", "conv2dInputGradient 8x16x32x32", "profile.json opens"]
    ) {
      assertStringIncludes(timed.stdout, part);
    }
    const table = timed.stdout.split("\n").filter((line) => !line.includes(folder));
    for (const line of table.slice(1)) assert(line.length <= 120, `${line.length} characters: ${line}`);
    const { traceEvents } = JSON.parse(await Deno.readTextFile(`${folder}/timed/profile.json`));
    assertEquals(traceEvents.filter(({ cat }: { cat?: string }) => cat === "step").length, 4);

    const plain = await runCli([...train, "--out", `${folder}/plain`, "--json"]);
    assertEquals(plain.code, 0, plain.stderr);
    assertEquals(
      await Deno.readFile(`${folder}/timed/last.safetensors`),
      await Deno.readFile(`${folder}/plain/last.safetensors`),
    );
    // A profile is no property of a run.
    assert(!("profile" in JSON.parse(await Deno.readTextFile(`${folder}/timed/config.json`))));
    const resumed = await runCli(["train", "--resume", `${folder}/plain`, "--steps", "6", "--profile", "--json"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    for (const line of resumed.stdout.trim().split("\n")) JSON.parse(line);
    const again = JSON.parse(await Deno.readTextFile(`${folder}/plain/profile.json`));
    assertEquals(
      again.traceEvents.filter(({ cat }: { cat?: string }) => cat === "step").map(({ name }: { name: string }) => name),
      ["step 5", "step 6"],
    );
  }));

testWhole("bench --ops times a step on the CPU and writes its trace", () =>
  withFolder(async (folder) => {
    const trace = `${folder}/step.json`;
    const { code, stdout, stderr } = await runBench(["--ops", "cpu", "2", "--model", "resnet8", "--trace", trace]);
    assertEquals(code, 0, stderr);
    for (const part of ["A training step of resnet8, batch 2", " steps profiled on CPU", "sgdUpdate"]) {
      assertStringIncludes(stdout, part);
    }
    assertEquals(JSON.parse(await Deno.readTextFile(trace)).displayTimeUnit, "ms");
  }));

testWhole("bench --ops --inference times an inference, whose batch norm is folded", async () => {
  const { code, stdout, stderr } = await runBench(["--ops", "cpu", "2", "--model", "resnet8", "--inference"]);
  assertEquals(code, 0, stderr);
  for (const part of ["An inference of resnet8, batch 2", " steps profiled on CPU", "conv2dFused"]) {
    assertStringIncludes(stdout, part);
  }
  assert(!/batchNorm|sgdUpdate/.test(stdout), stdout);
});

testWhole("bench refuses wrong arguments with 2 and a sentence", async () => {
  for (
    const [args, message] of [
      [["gpu"], 'but "gpu" came'],
      [["cpu", "0"], 'but "cpu 0" came'],
      [["--trace", "x.json"], "expected --ops too"],
      [["--inference"], "expected --ops too"],
      [["--overhead", "--ops"], "exclude each other"],
      [["--overhead", "8"], "takes none"],
      [["--ops", "cpu", "--model", "resnet21"], "did you mean resnet20?"],
    ] as const
  ) {
    const { code, stderr } = await runBench(args);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assertStringIncludes(stderr, message);
  }
  const unwritable = await runBench(["--ops", "cpu", "1", "--trace", "/nowhere/at/all.json"]);
  assertEquals(unwritable.code, 1);
  assertStringIncludes(unwritable.stderr, "the folder of the trace does not exist");
});

testWhole("bench:data refuses wrong arguments and explains itself", async () => {
  for (const args of [["x"], ["1", "2"], ["1.5"], [""]]) {
    const { code, stderr } = await runBench(args, "data.ts");
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, "Expected one number of workers of at least 0");
  }
  const help = await runBench(["--help"], "data.ts");
  assertEquals(help.code, 0, help.stderr);
  assertStringIncludes(help.stdout, "deno task bench:data");
});
