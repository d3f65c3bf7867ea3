/** Training, measuring and predicting on several processes, under mpirun. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Random } from "../core/mod.ts";
import sharp from "../images/sharp.ts";
import { ALL, WHOLE } from "./_all.ts";
import { besideFewSteps, runCli, unwrapped, withFolder, writeCifar } from "./_cli.ts";
import { LAUNCH, launch, root } from "./_launcher.ts";
import { pause, RANK, rankOf, runRanks, startMpi, whyNoMpi } from "./_mpi.ts";

const why = await whyNoMpi();
// CI installs it: a run without it would say nothing.
if (why !== undefined && Deno.env.get("RESIDUA_REQUIRE_MPI") === "1") throw new Error(why);
if (why !== undefined) console.log(`No test of MPI: ${why}`);
// They take as long as a quarter of all.
const ignore = why !== undefined || !WHOLE;

const SMALL = ["train", "--model", "resnet8", "--backend", "cpu", "--threads", "1", "--no-progress"];

/** The metrics of a run, but for times. */
async function metrics(run: string): Promise<Record<string, unknown>[]> {
  const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trim().split("\n");
  return lines.map((line) => {
    const { imagesPerSecond: _, seconds: __, ...rest } = JSON.parse(line);
    return rest;
  });
}

async function losses(run: string): Promise<number[]> {
  return (await metrics(run)).filter(({ kind }) => kind === "step").map(({ loss }) => loss as number);
}

/** The largest difference of two runs' losses, relative to them. */
function distance(one: readonly number[], other: readonly number[]): number {
  assertEquals(one.length, other.length);
  return one.reduce((most, loss, k) => Math.max(most, Math.abs(loss - other[k]) / loss), 0);
}

Deno.test({
  name: "ranks with --sync-bn have the losses of one process with the whole batch",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 160);
      const common = ["--data", folder, "--steps", "20", "--lr", "0.01", "--augment", "none", "--schedule", "constant"];
      const alone = await runCli([...SMALL, ...common, "--batch", "32", "--out", `${folder}/1`]);
      assertEquals(alone.code, 0, alone.stderr);
      const expected = await losses(`${folder}/1`);
      for (const size of ALL ? [2, 4] : [2]) {
        const out = `${folder}/${size}`, batch = String(32 / size);
        const outcome = await runRanks(size, [
          ...[...SMALL, ...common, "--distributed", "--sync-bn", "--batch", batch, "--out", out],
        ]);
        assertEquals([outcome.code, besideFewSteps(outcome.stderr)], [0, ""], outcome.stdout);
        assertMatch(
          unwrapped(outcome.stdout),
          new RegExp(
            `^${size} ranks on \\S+ by Open MPI v[\\d.]+; batches of ${batch} each, 32 in all; batch norm over all`,
          ),
        );
        assertMatch(outcome.stdout, /^Waiting for other ranks took \d+ % of the time of the first one\.$/m);
        const own = distance(expected, await losses(out));
        assert(own < 1e-4, `${size} ranks: ${own}`);
        // Without them statistics are of other images.
        if (!ALL || size > 2) continue;
        const local = await runRanks(size, [
          ...SMALL,
          ...common,
          "--distributed",
          "--batch",
          batch,
          "--out",
          `${out}l`,
        ]);
        assertEquals(local.code, 0, local.stderr);
        assert(distance(expected, await losses(`${out}l`)) > 1e-3);
      }
    }),
});

// With momentum, or smaller batches, rounding grows beyond that in 20 steps, as PyTorch's own does: docs/scaling.md.
Deno.test({
  name: "ranks of a ResNet-20 with --sync-bn have the losses of one process with the whole batch",
  ignore: ignore || !ALL,
  fn: () =>
    withFolder(async (folder) => {
      const common = [
        ...["train", "--model", "resnet20", "--data", "shapes", "--backend", "cpu", "--no-progress", "--steps", "20"],
        ...["--lr", "0.01", "--schedule", "constant", "--momentum", "0", "--augment", "none"],
      ];
      const alone = await runCli([...common, "--batch", "256", "--out", `${folder}/1`]);
      assertEquals(alone.code, 0, alone.stderr);
      const expected = await losses(`${folder}/1`);
      for (const size of [2, 4]) {
        const out = `${folder}/${size}`, own = ["--distributed", "--sync-bn", "--batch", `${256 / size}`, "--out", out];
        const outcome = await runRanks(size, [...common, ...own]);
        assertEquals(outcome.code, 0, outcome.stderr);
        const found = distance(expected, await losses(out));
        assert(found < 1e-4, `${size} ranks: ${found}`);
      }
    }),
});

Deno.test({
  name: "ranks started as tasks stop together at a signal to one of them, and go on to the bit",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 64);
      const common = [...["--data", folder, "--batch", "4", "--distributed"], ...SMALL.slice(1)];
      const whole = await runRanks(2, ["train", ...common, "--epochs", "8", "--out", `${folder}/whole`]);
      assertEquals(whole.code, 0, whole.stderr);
      const task = ["-np", "2", Deno.execPath(), ...LAUNCH, `${root}tools/run.ts`];
      const stopped = startMpi([...task, "train", ...common, "--epochs", "8", "--out", `${folder}/s`], {
        INIT_CWD: folder,
      });
      for (;;) {
        await pause(50);
        if ((await Deno.stat(`${folder}/s/config.json`).catch(() => undefined)) !== undefined) break;
      }
      await pause(300);
      // The process of a task hands it on.
      const second = await rankOf(`${folder}/s`, 1);
      Deno.kill(second, "SIGTERM");
      const { code, stdout, stderr } = await stopped.end(30);
      assertEquals(code, 0, stderr);
      const after = Number(/Stopped after (\d+) steps, saved/.exec(stdout)?.[1]);
      assert(after > 0 && after < 64, stdout);
      const resumed = await runRanks(2, ["train", "--distributed", "--resume", `${folder}/s`]);
      assertEquals(resumed.code, 0, resumed.stderr);
      assertStringIncludes(resumed.stdout, `Going on after ${after} steps`);
      assertEquals(await metrics(`${folder}/s`), await metrics(`${folder}/whole`));
      assertEquals(
        await Deno.readFile(`${folder}/s/last.safetensors`),
        await Deno.readFile(`${folder}/whole/last.safetensors`),
      );
      // Another number of ranks goes on with the same batches, and says that it rounds otherwise.
      const alone = await runCli(["train", "--resume", `${folder}/s`, "--epochs", "9"]);
      assertEquals(alone.code, 0, alone.stderr);
      assertStringIncludes(
        unwrapped(alone.stdout),
        "The run had 2 processes and has 1 now: 8 images a step as before, 8 each;",
      );
      const refused = await runRanks(3, ["train", "--distributed", "--resume", `${folder}/s`]);
      assertEquals(refused.code, 2, refused.stderr);
      assertStringIncludes(
        refused.stderr,
        "8 in all, which 3 cannot divide; go on with a number of processes that divides 8",
      );
    }),
});

Deno.test({
  name: "killing a rank at any moment ends all of them and leaves a run that goes on to the bit",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 48);
      const seed = Math.floor(Math.random() * 2 ** 31), random = new Random(seed, "kills");
      const options = [...SMALL, ...["--data", folder, "--batch", "4", "--distributed", "--epochs", "3"]];
      const saving = ["--checkpoint-steps", "3"], begun = performance.now();
      const whole = await runRanks(2, [...options, ...saving, "--out", `${folder}/whole`]);
      assertEquals(whole.code, 0, whole.stderr);
      const most = performance.now() - begun;
      for (let k = 0; k < (ALL ? 20 : 2); k++) {
        const out = `${folder}/${k}`, moment = random.uniform() * most, rank = random.integer(2);
        const about = `seed ${seed}, kill ${k}: rank ${rank} after ${moment.toFixed()} of ${most.toFixed()} ms`;
        const ranks = startMpi(["-np", "2", ...RANK, ...options, ...saving, "--out", out]);
        const started = performance.now(), pids = await ranks.pids();
        await pause(moment - (performance.now() - started));
        try {
          Deno.kill(pids[rank % pids.length], "SIGKILL");
        } catch {
          // It has ended.
        }
        await ranks.end(30);
        const isBegun = await Deno.stat(`${out}/config.json`).then(() => true, () => false);
        const again = await runRanks(
          2,
          isBegun ? ["train", "--distributed", "--resume", out] : [...options, "--out", out],
        );
        assertEquals(again.code, 0, `${about}: ${again.stderr}`);
        assertEquals(await metrics(out), await metrics(`${folder}/whole`), about);
        const [one, other] = await Promise.all(
          [out, `${folder}/whole`].map((run) => Deno.readFile(`${run}/last.safetensors`)),
        );
        assertEquals(one, other, about);
      }
    }),
});

Deno.test({
  name: "what ranks do not have alike is refused, and the rank is named",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      for (const [k, name] of ["a", "b"].entries()) {
        await Deno.mkdir(`${folder}/${name}/set`, { recursive: true });
        await writeCifar(`${folder}/${name}/set`, 12);
        const file = `${folder}/${name}/set/data_batch_1.bin`, bytes = await Deno.readFile(file);
        bytes[5000] += k;
        await Deno.writeFile(file, bytes);
      }
      const train = (
        ...extra: string[]
      ) => [...RANK, ...SMALL, "--distributed", "--epochs", "1", "--batch", "2", ...extra];
      const refusal = async (args: readonly string[], env?: Record<string, string>) => {
        const { code, stderr, stdout } = await startMpi(args, env).end(30);
        const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
        assertEquals(errors.length, 1, stderr + stdout);
        return `${code} ${errors[0].slice("error: ".length)}`;
      };
      // In the same command, the path leads to other data in each rank's folder.
      const here = (
        name: string,
        ...extra: string[]
      ) => ["-np", "1", "-wdir", `${folder}/${name}`, ...train("--data", "set", ...extra)];
      assertEquals(
        await refusal([...here("a"), ":", ...here("b")]),
        "1 Rank 1 has other data than rank 0; give all ranks the same, and start again",
      );
      assertMatch(
        await refusal([...here("a"), ":", ...here("a", "--seed", "4")]),
        /^1 Rank 1, on \S+, has another options than rank 0, on \S+: .*"seed","4".* there, .* here; start all ranks alike$/,
      );
      assertMatch(
        await refusal([...here("a"), ":", "-np", "1", "-wdir", folder, ...train("--data", "set")]),
        /^\d rank 1 of 2, on \S+: set: /,
      );
      assertEquals(
        await refusal([...["-np", "2"], ...train("--data", `${folder}/a/set`, "--batch", "7")]),
        "2 2 processes with batches of 7 take 14 images a step, but there are 12 training images; start fewer processes, or " +
          "take a smaller --batch",
      );
    }),
});

Deno.test({
  name: "eval and predict give what one process gives",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 43);
      const run = `${folder}/run`, images = `${folder}/images`;
      const trained = await runCli([...SMALL, "--data", folder, "--steps", "2", "--batch", "8", "--out", run]);
      assertEquals(trained.code, 0, trained.stderr);
      await Deno.mkdir(images);
      for (let k = 0; k < 5; k++) {
        const pixels = Uint8Array.from({ length: 3 * 33 * 35 }, (_, i) => (i * 7919 * (k + 1)) >> 3);
        await sharp(pixels, { raw: { width: 33, height: 35, channels: 3 } }).png().toFile(`${images}/${k}.png`);
      }
      await Deno.writeTextFile(`${images}/3b.png`, "none");
      const cpu = ["--checkpoint", run, "--backend", "cpu", "--threads", "1", "--json"];
      for (const args of [["eval", ...cpu, "--batch", "5"], ["predict", ...cpu, images]]) {
        const alone = await runCli(args), together = await runRanks(3, [...args, "--distributed"]);
        assertEquals([together.code, together.stdout], [alone.code, alone.stdout], together.stderr);
        for (const line of alone.stderr.split("\n")) assertStringIncludes(together.stderr, line);
      }
    }),
});

Deno.test({
  name: "sums travel as float32 and as float16 at once, and are the same on all ranks",
  ignore,
  fn: async () => {
    const script = [...RANK.slice(0, -1), `${root}tests/_mpi_sums.ts`];
    const { code, stdout, stderr } = await startMpi(["-np", "3", ...script]).end(60);
    assertEquals([code, stderr], [0, ""]);
    const all: { errors: Record<string, number>; first: number[] }[] = JSON.parse(stdout);
    assertEquals(all.length, 3);
    for (const { errors: { float32, float16 }, first } of all) {
      // Sums are below 16, of which float16 has steps of 2^-7; three roundings of numbers below 8, and that of the sum.
      assert(float32 > 0 && float32 < 2e-6, `float32: ${float32}`);
      assert(float16 > 1e-4 && float16 < 2 ** -6, `float16: ${float16}`);
      assertEquals(first, all[0].first);
    }
  },
});

Deno.test("--distributed without MPI says what to install or name", async () => {
  const env = { RESIDUA_MPI: "/no/such/libmpi.so" };
  const { code, stderr } = await launch(["train", "--distributed", "--data", "shapes"], { env });
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^error: RESIDUA_MPI: \/no\/such\/libmpi.so cannot be opened as MPI's library: .*; name the file of libmpi itself$/m,
  );
  const refused = await launch(["train", "--distributed", "--profile"]);
  assertEquals([refused.code, refused.stderr.includes("--distributed and --profile exclude each other")], [2, true]);
  for (
    const [command, other] of [["predict", ["--explain", "seen", "a.png"]], ["eval", ["--tune", "cache"]]] as const
  ) {
    const { code, stderr } = await launch([command, "--checkpoint", "none", "--distributed", ...other]);
    assertEquals([code, stderr.includes(`--distributed and ${other[0]}`)], [2, true], stderr);
  }
  const alone = await launch(["train", "--sync-bn"]);
  assertEquals(
    [alone.code, alone.stderr.includes("there is one process without --distributed")],
    [2, true],
    alone.stderr,
  );
});
