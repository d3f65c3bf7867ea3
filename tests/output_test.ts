/** Output that is full or closed, names that would write on the terminal, and what a run that goes on prints. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import sharp from "../images/sharp.ts";
import { DiskFolder } from "../files/data_folder.ts";
import { decoderOf } from "../images/decode_image.ts";
import { WorkerFiller } from "../images/image_workers.ts";
import { WorkerPool } from "../images/worker_pool.ts";
import { BadImages, FolderDataset, PathList } from "../data/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";

const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const RUN = ["--model", "resnet8", "--batch", "8", "--backend", "cpu", "--threads", "1", "--no-progress"];
const noShell = Deno.build.os === "windows";

/** Runs a line of a shell, in which `residua` is the command line. */
async function shell(line: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const command = new Deno.Command("bash", {
    args: ["-c", `residua() { "$deno" run -A --quiet --config "$config" "$main" "$@"; }; ${line}`],
    env: { NO_COLOR: "1", deno: Deno.execPath(), config, main },
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr } = await command.output();
  return { stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "commands whose output is full end with a sentence, and those whose reader has left end quietly",
  ignore: noShell,
}, () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const run = `${folder}/run`, train = `train --data ${folder} ${RUN.join(" ")} --epochs 1`;
    const commands = [
      `${train} --out ${run}`,
      `eval --checkpoint ${run} --backend cpu --threads 1`,
      "summary --model resnet8",
      `data inspect ${folder} --no-progress`,
      "--help",
    ];
    for (const command of commands) {
      const closed = await shell(`residua ${command} | head -1; echo "ended with \${PIPESTATUS[0]}" >&2`);
      assertMatch(closed.stderr.replace(/^(warning|note): .*\n/gm, ""), /^ended with 0\n$/, command);
      assertEquals(closed.stdout.split("\n").length, 2, closed.stdout);
      const again = command === commands[0] ? `train --resume ${run} --epochs 2` : command;
      const full = await shell(`residua ${again} > /dev/full; echo "ended with $?" >&2`);
      const told =
        "error: What is printed could not be written: .*space left on device.*; send the output elsewhere, .*";
      assertMatch(full.stderr, new RegExp(`${told}\nended with 1\n$`), command);
      assert(!full.stderr.includes("    at "), full.stderr);
    }
  }));

Deno.test("names of files and classes are printed without control characters", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, evil = "cat\x1b[31m\x9b2J\r\nerror: all is lost\u202e";
    for (const [k, name] of [evil, "dog"].entries()) {
      await Deno.mkdir(`${data}/${name}`, { recursive: true });
      for (let image = 0; image < 8; image++) {
        const pixels = new Uint8Array(32 * 32 * 3).fill(40 * image + k);
        await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(
          `${data}/${name}/${image}.png`,
        );
      }
    }
    const run = `${folder}/run\x1b[2J`;
    const outputs: Record<string, readonly string[]> = {
      train: ["train", "--data", data, ...RUN, "--size", "32", "--workers", "0", "--epochs", "1", "--out", run],
      eval: ["eval", "--checkpoint", run, "--backend", "cpu", "--threads", "1", "--workers", "0"],
      one: ["predict", "--checkpoint", run, "--backend", "cpu", "--threads", "1", `${data}/${evil}/0.png`],
      many: ["predict", "--checkpoint", run, "--backend", "cpu", "--threads", "1", data],
      inspect: ["data", "inspect", data, "--no-progress", "--sheet", `${folder}/sheet\x1b[2J.png`],
      missing: ["eval", "--checkpoint", `${folder}/none\x1b[2J`, "--data", data],
      export: ["export", "--checkpoint", run, "--out", `${folder}/some\x1b[2J.onnx`],
    };
    for (const [what, args] of Object.entries(outputs)) {
      const { code, stdout, stderr } = await runInProcess(args);
      assertEquals(code, what === "missing" ? 1 : 0, stderr);
      assertEquals(
        (stdout + stderr).match(/[^\n\u0020-\u007e\u00a0-\u1fff\u2010-\u2027\u2030-\u2065\u2070-\uffff]/),
        null,
        what,
      );
    }
    assert(
      !(await Deno.readTextFile(`${run}/confusion.svg`)).includes("\x1b"),
      "an SVG file with such characters is no XML",
    );
    const json = await runInProcess(["data", "inspect", data, "--no-progress", "--json"]);
    assertEquals(JSON.parse(json.stdout).classes[0].name, evil, "programs are given the name itself");
  }));

Deno.test("--json and --no-json belong to an invocation: a run that goes on prints as it is asked to", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const run = `${folder}/run`, start = ["train", "--data", folder, ...RUN, "--out", run];
    const first = await runInProcess([...start, "--epochs", "1", "--json"]);
    assertEquals(JSON.parse(first.stdout.trim()).epoch, 0);
    const path = `${run}/config.json`, config = JSON.parse(await Deno.readTextFile(path));
    assertEquals(config.json, undefined);
    // A version before kept it.
    await Deno.writeTextFile(path, JSON.stringify({ ...config, json: true }));
    const { code, stdout, stderr } = await runInProcess(["train", "--resume", run, "--epochs", "2"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "Going on after 2 steps, in epoch 2");
  }));

Deno.test("WorkerFiller.close() settles the batches in work", () =>
  withFolder(async (folder) => {
    await sharp(new Uint8Array(64 * 64 * 3), { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(
      `${folder}/a.png`,
    );
    const files = PathList.from(["a.png"]);
    const dataset = new FolderDataset(
      new DiskFolder(folder),
      files,
      new Uint8Array(1),
      { decode: decoderOf("full") },
      new BadImages(0),
    );
    const options = { shape: [3, 32, 32], normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } } as const;
    const reading = { maxBad: 0, decode: "full", maxMegapixels: 200 } as const;
    const filler = new WorkerFiller(dataset, options, new WorkerPool({ workers: 2 }), reading);
    const filling = filler.fill(new Uint32Array(4), 0, filler.allocate(4)).then(
      () => "filled",
      ({ message }) => message,
    );
    filler.close();
    assertStringIncludes(await filling, "were ended while a batch was in work");
    assertStringIncludes(
      await filler.fill(new Uint32Array(4), 0, filler.allocate(4)).catch(({ message }) => message),
      "were ended",
    );
  }));
