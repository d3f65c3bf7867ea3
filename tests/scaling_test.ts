/** What docs/scaling.md says and the files that it names hold: predictions, the job of Kubernetes, the script of Slurm. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { NETWORKS, predictions, RANKS, STEPS, stepTime } from "../bench/mpi/model.ts";
import { TRAIN_OPTIONS } from "../cli/options/train_options.ts";
import { parseArguments } from "../cli/options/parse_options.ts";
import { OWN_LOCKS } from "../tools/_sources.ts";
import { root, runDeno, runProgram } from "./_launcher.ts";

Deno.test("stepTime() grows by what computation does not hide", () => {
  const cost = { compute: 1, overlap: 0.5, gradients: 8e6, bucket: 2e6, readback: 0.25 };
  const network = { latency: 0.001, bandwidth: 1e7, adding: 1e8, device: 1e9 };
  assertEquals(stepTime(cost, network, 1).total, 1);
  // 4 sums of 2·3 messages, 7/8 of the bytes twice over the network and once added, all of them twice to the device.
  const sums = 24e-3 + 8e6 * (2 * 0.875 / 1e7 + 0.875 / 1e8 + 2 / 1e9),
    { total, exposed, ...time } = stepTime(cost, network, 8);
  assertAlmostEquals(time.sums, sums, 1e-12);
  assertAlmostEquals(exposed, 0.25 + sums - 0.5, 1e-12);
  assertAlmostEquals(total, 1 + exposed, 1e-12);
  // A fast network is hidden but for the last sum.
  const fast = stepTime(cost, { ...network, bandwidth: 1e9 }, 8);
  assertAlmostEquals(fast.exposed, 0.25 + fast.sums / 4, 1e-12);
});

Deno.test("the predictions of docs/scaling.md are the model's", async () => {
  const page = await Deno.readTextFile(`${root}docs/scaling.md`);
  const rows = [...page.matchAll(/^\| *(.*) *\|$/gm)].map(([, row]) => row.split("|").map((cell) => cell.trim()));
  for (const row of predictions()) {
    assert(rows.some((found) => found.join() === row.join()), `${row.join(" | ")} is missing`);
  }
  assertEquals(predictions().length, Object.keys(STEPS).length * Object.keys(NETWORKS).length);
  assert(
    rows.some((row) => row.slice(2).join() === RANKS.map((ranks) => `${ranks} GPUs`).join().replace("1024", "1,024")),
  );
});

/** The arguments of train in a line of a script, without variables. */
function trainOptions(line: string): string[] {
  return line.replaceAll(/"?\$\{?\w+[^ ]*\}?"?/g, "x").trim().split(/\s+/);
}

Deno.test("the job of Kubernetes is YAML, and starts as many ranks as it has workers", async () => {
  const lock = `${root}${OWN_LOCKS["tests/_yaml_process.ts"]}`, file = `${root}examples/cluster/mpijob.yaml`;
  const { code, stdout, stderr } = await runDeno([
    ...["run", "-A", "--quiet", "--no-config", "--lock", lock, "--frozen", `${root}tests/_yaml_process.ts`, file],
  ]);
  assertEquals(code, 0, stderr);
  const { apiVersion, kind, spec: { slotsPerWorker, mpiReplicaSpecs: { Launcher, Worker } } } = JSON.parse(stdout);
  assertEquals([apiVersion, kind], ["kubeflow.org/v2beta1", "MPIJob"]);
  const [launcher] = Launcher.template.spec.containers, [worker] = Worker.template.spec.containers;
  assertEquals(launcher.args[0].match(/mpirun .*-np (\d+)/)[1], String(Worker.replicas * slotsPerWorker));
  assertEquals(worker.resources.limits["nvidia.com/gpu"], slotsPerWorker);
  for (const { spec } of [Launcher.template, Worker.template]) {
    const mounted = spec.containers[0].volumeMounts.map(({ name }: { readonly name: string }) => name);
    assertEquals(mounted.sort(), spec.volumes.map(({ name }: { readonly name: string }) => name).sort());
  }
  const [, start] = launcher.args[0].match(/else how="(.*)"/);
  parseArguments("train", TRAIN_OPTIONS, ["--distributed", ...trainOptions(start)]);
  assertEquals((await runProgram("sh", ["-n", "-c", launcher.args[0]])).code, 0);
});

Deno.test("the script of Slurm is one that a shell reads, and its options are those of train", async () => {
  const file = `${root}examples/cluster/slurm.sh`, text = await Deno.readTextFile(file);
  const { code, stderr } = await runProgram("bash", ["-n", file]);
  assertEquals(code, 0, stderr);
  const lines = [...text.matchAll(/^ *how=\((.*)\)$/gm)].map(([, options]) => trainOptions(options));
  assertEquals(lines.length, 2);
  for (const options of lines) parseArguments("train", TRAIN_OPTIONS, ["--distributed", ...options]);
});
