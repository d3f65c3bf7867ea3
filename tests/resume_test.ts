/** Runs that are killed, interrupted, short of disk or given something else go on as if nothing had happened, or say why not. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ignoresHangup } from "../cli/interrupt.ts";
import { Random } from "../core/mod.ts";
import { ALL, testWhole, WHOLE } from "./_all.ts";
import { runCli, startCli, withFolder, writeCifar } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { assertSame } from "./_same.ts";

/** Augmentation, a schedule with a state, averaged weights and batches in parts: all that a resumed run must know. */
// deno-fmt-ignore
const RUN = [
  "--model", "resnet8", "--batch", "8", "--accumulate", "2", "--backend", "cpu", "--threads", "1", "--augment", "crop+flip",
  "--lr", "0.01", "--schedule", "plateau", "--patience", "0", "--threshold", "0.05", "--ema", "0.9", "--warmup", "0.5",
  "--checkpoint-steps", "2",
];

/** The whole lines of `metrics.jsonl` without what depends on the clock. */
async function metrics(run: string): Promise<unknown[]> {
  const text = await Deno.readTextFile(`${run}/metrics.jsonl`);
  return text.split("\n").slice(0, -1).map((line) => {
    const { imagesPerSecond: _, seconds: __, ...rest } = JSON.parse(line);
    return rest;
  });
}

async function expectSameRuns(run: string, other: string): Promise<void> {
  for (const name of ["last.safetensors", "best.safetensors"]) {
    assertSame(await Deno.readFile(`${run}/${name}`), await Deno.readFile(`${other}/${name}`), name);
  }
  assertEquals(await metrics(run), await metrics(other));
}

async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  assertEquals(code, 0, stderr);
  return stdout;
}

async function fail(args: readonly string[], code: number, ...parts: string[]): Promise<void> {
  const outcome = await runCli(args);
  assertEquals(outcome.code, code, outcome.stderr);
  assertEquals(outcome.stderr.trim().split("\n").length, 1, outcome.stderr);
  for (const part of parts) assertStringIncludes(outcome.stderr, part);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Beside these, `crash/` ends runs at each operation. */
const KILLS = ALL ? 20 : WHOLE ? 6 : 3;

Deno.test("a run killed at random moments ends with the same bytes as one that was never stopped", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 24);
    const start = ["train", "--data", folder, ...RUN], run = `${folder}/killed`;
    const random = new Random(7, "moments");
    const places = new Set<string>();
    for (let kills = 0; kills < KILLS; kills++) {
      const begun = await exists(`${run}/config.json`);
      await using training = startCli(
        begun ? ["train", "--resume", run] : [...start, "--epochs", "1000", "--out", run],
      );
      // Every other time anywhere from the compilation on, else once an epoch is done: in a step, a validation, a checkpoint.
      await training.line(kills % 2 === 0 ? /^resnet8 on/ : /^ *epoch/);
      await new Promise((resolve) => setTimeout(resolve, random.uniform(0, kills % 2 === 0 ? 600 : 150)));
      const { signal, stdout } = await training.end("SIGKILL");
      assertEquals(signal, "SIGKILL", "the run ended before it was killed");
      for (const [place] of stdout.matchAll(/Going on after \d+ steps/g)) places.add(place);
    }
    assert(places.size > KILLS / 4, `${KILLS} runs went on from ${places.size} places only`);

    // As far as it has come, and an epoch more.
    const lines = (await metrics(run)) as { kind: string; epoch: number }[];
    const epochs = `${2 + Math.max(...lines.map(({ epoch }) => epoch))}`;
    await succeed(["train", "--resume", run, "--epochs", epochs]);
    await succeed([...start, "--epochs", epochs, "--out", `${folder}/whole`]);
    await expectSameRuns(run, `${folder}/whole`);
    assertStringIncludes(await succeed(["train", "--resume", run]), "The run is at its end");
  }));

testWhole(
  "a run on image files that workers prepare ahead is killed within epochs, and ends with the same bytes",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, run = `${folder}/killed`;
      await writeImages(data, 10);
      // deno-fmt-ignore
      const start = [
      "train", "--data", data, ...RUN, "--size", "32", "--workers", "2", "--augment", "vgg", "--randaugment", "1,9",
      "--cutmix", "1", "--normalise", "pixel", "--checkpoint-steps", "1", "--epochs",
    ];
      for (let kills = 0; kills < 2; kills++) {
        await using training = startCli(kills === 0 ? [...start, "1000", "--out", run] : ["train", "--resume", run]);
        await training.line(/^ *epoch/);
        assertEquals((await training.end("SIGKILL")).signal, "SIGKILL");
      }
      const epochs = `${2 + Math.max(...(await metrics(run) as { epoch: number }[]).map(({ epoch }) => epoch))}`;
      await succeed(["train", "--resume", run, "--epochs", epochs, "--workers", "3"]);
      await succeed([...start, epochs, "--out", `${folder}/whole`]);
      await expectSameRuns(run, `${folder}/whole`);
    }),
);

Deno.test("SIGINT, SIGTERM and SIGHUP save, say how to go on and end with 0; a second SIGINT ends with 130", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 40);
    const start = ["train", "--data", folder, ...RUN, "--epochs", "8", "--out"], run = `${folder}/run`;
    await succeed([...start, `${folder}/whole`]);
    let args = [...start, run];
    const hangup = Deno.build.os === "windows" || ignoresHangup() ? [] : ["SIGHUP" as const];
    for (const signal of ["SIGINT", "SIGTERM", ...hangup] as const) {
      await using training = startCli(args);
      await training.line(signal === "SIGINT" ? /^resnet8 on/ : /^ *epoch/);
      const { code, stdout, stderr } = await training.end(signal);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "interrupt again to leave at once");
      const command = stdout.match(/^Stopped after \d+ steps, saved. Go on with:\n {2}deno task (.*)$/m)![1];
      assertEquals(command, `train --resume ${run}`);
      args = command.split(" ");
    }
    await succeed(args);
    await expectSameRuns(run, `${folder}/whole`);

    await using training = startCli([...start, `${folder}/twice`]);
    await training.line(/^resnet8 on/);
    Deno.kill(training.pid, "SIGTERM");
    assert([0, 130].includes((await training.end("SIGINT")).code));
  }));

Deno.test("--resume refuses what would make another run of it, and says what", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 24);
    const run = `${folder}/run`, resume = ["train", "--resume", run];
    await succeed(["train", "--data", folder, ...RUN, "--epochs", "1", "--out", run]);
    await fail([...resume, "--batch", "4"], 2, "--batch was 8 and is 4 now", "start a new run");
    await fail([...resume, "--model", "resnet14", "--lr", "1"], 2, "--model was resnet8", "--lr was 0.01 and is 1 now");
    await fail([...resume, "--out", `${folder}/other`], 2, "--out and --resume exclude each other");
    await fail(["train", "--resume", folder], 1, "config.json", "no run to go on with");
    await fail(["train", "--data", folder, ...RUN, "--out", run], 2, "holds a run already", "--resume");

    // The same data elsewhere is the same data; a run at its end can go further.
    const moved = await Deno.makeTempDir({ dir: folder });
    for (const name of ["data_batch_1.bin", "test_batch.bin"]) {
      await Deno.copyFile(`${folder}/${name}`, `${moved}/${name}`);
    }
    assertStringIncludes(await succeed([...resume, "--data", moved, "--epochs", "2", "--batch", "8"]), " 2/2 ");

    const file = `${moved}/data_batch_1.bin`, bytes = await Deno.readFile(file);
    bytes[100] ^= 1;
    await Deno.writeFile(file, bytes);
    await fail([...resume, "--data", moved, "--epochs", "3"], 1, "not the data that the run was trained on", "hash");
    await Deno.writeFile(file, bytes.subarray(0, 3073 * 16));
    await fail([...resume, "--data", moved, "--epochs", "3"], 1, "24 training images then, 16 training images now");
    assertEquals(JSON.parse(await Deno.readTextFile(`${run}/config.json`)).epochs, 2, "a refusal changes nothing");
  }));

testWhole(
  "a truncated checkpoint gives way to the one before it, from which the run ends with the same bytes",
  () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 40);
      const start = ["train", "--data", folder, ...RUN, "--epochs"],
        run = `${folder}/run`,
        last = `${run}/last.safetensors`;
      await succeed([...start, "3", "--keep", "2", "--out", `${folder}/whole`]);
      const kept = (await Array.fromAsync(Deno.readDir(`${folder}/whole`))).map(({ name }) =>
        name.replace(/tfevents.*/, "tfevents")
      )
        .sort();
      assertEquals(kept, [
        "best.safetensors",
        "config.json",
        "confusion.svg",
        "curves.svg",
        "distributions.jsonl",
        "epoch-0002.safetensors",
        "epoch-0003.safetensors",
        "events.out.tfevents",
        "last.safetensors",
        "metrics.jsonl",
        "previous.safetensors",
        "validation.json",
      ]);
      await succeed([...start, "3", "--steps", "11", "--out", run]);
      await Deno.truncate(last, 50_000);
      const { code, stdout, stderr } = await runCli(["train", "--resume", run, "--epochs", "3"]);
      assertEquals(code, 0, stderr);
      assertMatch(stderr, /^warning: .*last\.safetensors: .* damaged.*; went back to the one before it\n$/);
      assertMatch(stdout, /Going on after 10 steps, in epoch 3/);
      await expectSameRuns(run, `${folder}/whole`);
      await Deno.truncate(last, 1000);
      await Deno.truncate(`${run}/previous.safetensors`, 1000);
      await fail(["train", "--resume", run], 1, "last.safetensors", "damaged");
    }),
);

Deno.test("two processes cannot train in one folder; what is left of a dead one's lock does not matter", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 40);
    const start = ["train", "--data", folder, ...RUN, "--epochs", "500", "--out", `${folder}/run`];
    await using training = startCli(start);
    await training.line(/^ *1\/500 /);
    await fail(start, 1, "run.lock", `in use by process ${training.pid}`);
    await training.end("SIGKILL");
    assert(await exists(`${folder}/run/run.lock`));
    assertStringIncludes(await succeed(["train", "--resume", `${folder}/run`, "--steps", "1"]), "at its end");
    assertEquals(await exists(`${folder}/run/run.lock`), false);
  }));

/** Whether this process may mount file systems. */
const mayMount = Deno.build.os === "linux" && Deno.uid() === 0 && await withFolder(async (folder) => {
  const mounted = await mount(folder, "size=64k");
  if (mounted) await unmount(folder);
  return mounted;
});

async function mount(folder: string, options: string): Promise<boolean> {
  const command = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", options, "tmpfs", folder] });
  return await command.output().then(({ success }) => success, () => false);
}

async function unmount(folder: string): Promise<void> {
  await new Deno.Command("umount", { args: [folder] }).output();
}

Deno.test({
  name: "a full disk leaves the old checkpoint whole, and a read-only folder is refused [needs leave to mount]",
  ignore: !mayMount,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 40);
      const disk = `${folder}/disk`, run = `${disk}/run`;
      await Deno.mkdir(disk);
      // Room for some of the checkpoints of a ResNet-8, about 950 KB each with its momenta and averages.
      assert(await mount(disk, "size=3m"));
      try {
        const start = ["train", "--data", folder, ...RUN, "--epochs", "40"];
        await fail([...start, "--keep", "20", "--out", run], 1, "the disk is full", "is whole");
        const names = (await Array.fromAsync(Deno.readDir(run))).map(({ name }) => name);
        assertEquals(names.filter((name) => name.endsWith(".new") || name === "run.lock"), []);
        await Deno.remove(`${run}/epoch-0001.safetensors`);
        assertMatch(
          await succeed(["train", "--resume", run, "--keep", "0", "--epochs", "2"]),
          /after \d+ steps|at its end/,
        );
        assert(await mount(disk, "remount,ro"));
        await fail(["train", "--resume", run, "--epochs", "3"], 1, "read-only");
        await fail([...start, "--out", `${disk}/new`], 1, "read-only");
      } finally {
        await unmount(disk);
      }
    }),
});
