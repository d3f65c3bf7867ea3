/**
 * The library on another implementation of WebGPU: Dawn, by npm's `webgpu`. It runs where the package and an adapter for it
 * are to be had; on Debian, `chromium` brings a software one, SwiftShader.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { CpuBackend, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { ALL } from "./_all.ts";
import { losses, SMALL } from "./_training.ts";
import { launch, root, runDeno } from "./_launcher.ts";

const SWIFT_SHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const chosen = Deno.env.get("VK_ICD_FILENAMES") ?? await Deno.stat(SWIFT_SHADER).then(() => SWIFT_SHADER, () => "");
const env: Record<string, string> = chosen === "" ? {} : { VK_ICD_FILENAMES: chosen };
const { code, stdout: doctor, stderr } = await launch(["doctor", "--gpu", "dawn"], { env });
const why = code !== 0 ? stderr.trim().split("\n").at(-1)! : doctor.includes("no adapter") ? "no adapter" : undefined;

/** Deno's arguments for a script or a test that loads Dawn. */
const DAWN = ["--config", `${root}deno.offline.json`, "--lock", `${root}cli/gpu/dawn.offline.lock`];

/** A test that is skipped, with the reason, where there is no Dawn. */
function dawnTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `${name} [Dawn${why === undefined ? "" : `: ${why}`}]`, ignore: why !== undefined, fn: run });
}

/** What a script prints, run with Dawn. */
async function runScript(name: string): Promise<string> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { code, stdout, stderr } = await runDeno(["run", "-A", "--node-modules-dir=none", ...DAWN, script], { env });
  assertEquals([code, code === 0 ? "" : stderr], [0, ""]);
  return stdout;
}

dawnTest("doctor says what Dawn offers, and that it computes rightly", () => {
  assertMatch(doctor, /^WebGPU by Dawn \(npm's webgpu\): .+ \((software|hardware)\)$/m);
  assertMatch(doctor, /^ {2}what Residua can use: timestamp-query (yes|no), shader-f16 (yes|no), subgroups (yes|no)$/m);
  assertMatch(doctor, /^ {2}known answer: right/m);
  assertMatch(doctor, /^ {2}subgroups: (yes, they give the known answers|the adapter .+ has no subgroups)$/m);
  assertMatch(doctor, /^ {2}subgroup matrices (none|\d+x\d+x\d+ of .+)$/m);
  assertMatch(doctor, /^ {2}products by subgroup matrices: (yes, they give the known answers|the adapter .+)$/m);
  assertMatch(doctor, /^ {2}waiting for an empty submit takes \d+\.\d\d ms$/m);
  return Promise.resolve();
});

dawnTest("summary --plan and tune --explain say what runs on Dawn's adapter", async () => {
  const [, name] = /^WebGPU by Dawn \(npm's webgpu\): (.+) \(/m.exec(doctor)!;
  const plan = await launch(["summary", "--model", "resnet8", "--plan", "--gpu", "dawn"], { env });
  assertEquals([plan.code, plan.stderr], [0, ""]);
  assert(plan.stdout.includes(`dispatches on WebGPU, ${name}\n`), plan.stdout);
  const explained = await launch(["tune", "--explain", "relu", "3x5", "--gpu", "dawn"], { env });
  assertEquals([explained.code, explained.stderr], [0, ""]);
  assert(explained.stdout.includes(`\non ${name}, `), explained.stdout);
});

dawnTest("a ResNet-8 has the losses of the CPU backend on Dawn, and sums by subgroups repeat to the bit", async () => {
  const cpu = new CpuBackend(), expected = await losses(cpu, SMALL, 3, 0.05);
  const given: { losses: number[]; questionsPerSecond: number; repeats: boolean } = JSON.parse(
    await runScript("_dawn_process.ts"),
  );
  cpu.destroy();
  assertEquals([given.losses.length, given.repeats], [3, true]);
  given.losses.forEach((loss, k) =>
    assert(Math.abs(loss - expected[k]) < 1e-4 * expected[k], `${k}: ${loss}, not ${expected[k]}`)
  );
  // The addon alone would ask some ten thousand times.
  assert(given.questionsPerSecond < 3000, `${given.questionsPerSecond} questions a second`);
});

dawnTest("Dawn's compiler takes the text of every family and configuration", async () => {
  const { texts, matrices, refused, whyNoSubgroups }: {
    texts: number;
    matrices: number;
    refused: string[];
    whyNoSubgroups: string;
  } = JSON.parse(
    await runScript("_dawn_texts.ts"),
  );
  assertEquals(refused, []);
  assert(texts > 500 && matrices > 10, `${texts} texts, ${matrices} with subgroup matrices`);
  // Its null backend computes nothing, so that memory holds what it held.
  assertMatch(whyNoSubgroups, /gets subgroups wrong: in thread 0 of 64 the sum was \S+ where 992 was expected$/);
});

/** Runs files of the GPU suite on Dawn, and gives what they say. */
async function runSuite(...files: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runDeno(
    [
      "test",
      "-A",
      "--no-check",
      "--node-modules-dir=none",
      ...DAWN,
      ...files.map((name) => `tests/${name}_gpu_test.ts`),
    ],
    { env: { ...env, RESIDUA_GPU: "dawn", RESIDUA_REQUIRE_GPU: "1" } },
  );
  assertEquals([code, code === 0 ? "" : stdout + stderr], [0, ""]);
  assertMatch(stdout, /\[dawn, .+\]/);
  return stdout;
}

dawnTest("all ops conform on Dawn, by subgroups too where it has them", async () => {
  const said = await runSuite("conformance"),
    ran = (what: RegExp) => said.split("\n").filter((l) => what.test(l)).length;
  assertEquals(/(\d+) passed/.exec(said)?.[1], `${listOps().length}`);
  if (!/^ {2}subgroups: yes/m.test(doctor)) return;
  assert(ran(/by subgroups \.\.\. ok/) > 8 && ran(/kernels? of subgroups \.\.\. ok/) > 8, said);
  assert(ran(/GEMM by broadcasts \dx64 \.\.\. ok/) > 4, said);
});

// Beside what is of Deno's implementation, of float16, which SwiftShader lacks, or of the command line.
const SUITE = [
  ...["class_weights", "device_faults", "divergence", "explain", "frozen_statistics", "fusion", "gemm", "invalid_work"],
  ...[
    "load_model",
    "long_sums",
    "random_convolutions",
    "recompute",
    "resident",
    "resume",
    "sizes",
    "together",
    "training",
  ],
  "winograd",
];

dawnTest("training, inference and what goes wrong are on Dawn as elsewhere", async () => {
  assertMatch(await runSuite(...ALL ? SUITE : ["invalid_work", "long_sums"]), /\| 0 failed/);
});
