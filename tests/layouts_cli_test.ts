/** Folders as people have them, by the command line: what it counts, and what it notes on standard error. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { unwrapped, withFolder } from "./_cli.ts";
import { CLASSES, writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

Deno.test("data inspect counts and reads a test split, and notes what is left out", () =>
  withFolder(async (data) => {
    await writeImages(`${data}/Train`, 6);
    await writeImages(`${data}/Valid`, 2);
    await writeImages(`${data}/Testing`, 3);
    await Deno.truncate(`${data}/Testing/green/101.jpg`, 300);
    await Deno.writeTextFile(`${data}/Train/green/photo.heic`, "");
    const { code, stdout, stderr } = await runInProcess(["data", "inspect", data, "--size", "24", "--json"]);
    const note = `${data}: 1 file is not read, being no PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF: 1 .heic`;
    assertEquals([code, stderr], [0, `note: ${note}\n`]);
    const report = JSON.parse(stdout), { train, validation, test, images, notes, damaged } = report;
    assertEquals([train, validation, test, images, notes], [18, 6, 9, 33, [note]]);
    const classes = Object.keys(CLASSES).map((name) => ({ name, train: 6, validation: 2, test: 3 }));
    assertEquals(report.classes, classes);
    assertEquals(damaged.length, 1);
    assertStringIncludes(damaged[0], "Testing/green/101.jpg: the image is truncated");
    const text = await runInProcess(["data", "inspect", data, "--size", "24"]);
    assertStringIncludes(
      unwrapped(text.stdout),
      "18 training and 6 validation images, 9 kept for a test, seen as 3x24x24",
    );
    assertStringIncludes(text.stdout, "class   training  validation  test\n");
  }));

Deno.test("train validates on a share beside an unlabelled test, and notes it", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`;
    await writeImages(`${data}/train`, 10);
    await writeImages(`${folder}/other`, 2);
    await Deno.rename(`${folder}/other/green`, `${data}/test`);
    const args = ["--model", "resnet8", "--size", "16", "--steps", "1", "--batch", "4", "--backend", "cpu"];
    const trained = await runInProcess(["train", "--data", data, "--out", `${folder}/run`, "--workers", "0", ...args]);
    assertEquals(trained.code, 0, trained.stderr);
    assertStringIncludes(
      trained.stderr,
      `note: ${data}: the 2 images of test are left out, being in no folders of the classes, and a share of the training ` +
        "images is validated on\n",
    );
    const lines = (await Deno.readTextFile(`${folder}/run/metrics.jsonl`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(lines.filter(({ kind, valLoss }) => kind === "epoch" && Number.isFinite(valLoss)).length, 1);
  }));
