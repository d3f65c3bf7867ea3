/** Tables of images by the command line: training, resuming, measuring, inspecting. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { testWhole } from "./_all.ts";
import { unwrapped, withFolder } from "./_cli.ts";
import { CLASSES, writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

/** A table of the images, which lie in one folder under names without endings, as Kaggle has them. */
async function writeTable(folder: string, count: number): Promise<string[][]> {
  await writeImages(`${folder}/sorted`, count);
  await Deno.mkdir(`${folder}/photos`);
  const rows: string[][] = [];
  for (let k = 0; k < count; k++) {
    for (const name of Object.keys(CLASSES)) {
      const ending = k % 2 === 0 ? "png" : "jpg", id = `${name[0]} ${k}`;
      await Deno.rename(`${folder}/sorted/${name}/${100 + k}.${ending}`, `${folder}/photos/${id}.${ending}`);
      rows.push([id, name]);
    }
  }
  return rows;
}

const table = (rows: readonly string[][]) => ["image_id,species", ...rows.map((row) => row.join(","))].join("\r\n");

testWhole("train, resume, eval and data inspect take tables of images", () =>
  withFolder(async (folder) => {
    const rows = await writeTable(folder, 10), run = `${folder}/run`, photos = `${folder}/photos`;
    await Deno.writeTextFile(`${folder}/train.csv`, table(rows.slice(0, 24)));
    await Deno.writeTextFile(`${folder}/val.csv`, table(rows.slice(24)));
    const classes = Object.keys(CLASSES);
    const numbers = rows.slice(24).map(([id, name]) => `${id}\t${classes.indexOf(name)}.0`);
    await Deno.writeTextFile(`${folder}/numbers.tsv`, numbers.join("\n"));

    const lists = ["--train-list", `${folder}/train.csv`, "--val-list", `${folder}/val.csv`];
    const inspected = await runInProcess(["data", "inspect", photos, ...lists, "--size", "16", "--json"]);
    const { train, validation, images, damaged, classes: counts } = JSON.parse(inspected.stdout);
    assertEquals([train, validation, images, damaged], [24, 6, 30, []]);
    assertEquals(counts, classes.map((name) => ({ name, train: 8, validation: 2 })));

    const common = ["--backend", "cpu", "--workers", "1"];
    const model = ["--model", "resnet8", "--size", "16", "--batch", "6", "--lr", "0.03", "--schedule", "constant"];
    const trained = await runInProcess([
      "train",
      "--data",
      photos,
      ...lists,
      "--out",
      run,
      ...common,
      ...model,
      "--epochs",
      "2",
    ]);
    assertEquals(trained.code, 0, trained.stderr);
    assertStringIncludes(trained.stdout, "train.csv: 24 training and 6 validation images");
    const resumed = await runInProcess(["train", "--resume", run, "--epochs", "3"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    await Deno.writeTextFile(`${folder}/train.csv`, table(rows.slice(0, 24).toReversed()));
    const changed = await runInProcess(["train", "--resume", run, "--epochs", "4"]);
    assertEquals(changed.code, 1);
    assertStringIncludes(changed.stderr, "train.csv is not the data that the run was trained on");

    const report = async (...args: string[]) => {
      const { code, stdout, stderr } = await runInProcess(["eval", "--checkpoint", run, "--json", ...common, ...args]);
      assertEquals(code, 0, stderr);
      const { loss, images, confusion, split, data } = JSON.parse(stdout);
      return { figures: { loss, images, confusion }, split, data, stderr };
    };
    const own = await report();
    assertEquals([own.split, own.data, own.figures.images], ["val", `${folder}/train.csv`, 6]);
    const listed = await report("--list", `${folder}/val.csv`);
    assertEquals([listed.split, listed.data, listed.figures], ["all", `${folder}/val.csv`, own.figures]);
    // The paths of this table, too, are in the folder of the run's images.
    const numbered = await report("--list", `${folder}/numbers.tsv`);
    assertEquals(numbered.figures, own.figures);
    assertStringIncludes(unwrapped(numbered.stderr), "are taken for positions among the network's 3 classes, from 0");
  }));

Deno.test("a table whose images are elsewhere is refused with the folder that has them", () =>
  withFolder(async (folder) => {
    const rows = await writeTable(folder, 2), path = `${folder}/train.csv`;
    await Deno.writeTextFile(path, table(rows));
    const refused = async (...args: string[]) => {
      const { code, stderr } = await runInProcess(args);
      return [code, unwrapped(stderr)];
    };
    const [code, message] = await refused("train", "--train-list", path);
    assertEquals(code, 1);
    assertStringIncludes(
      `${message}`,
      `train.csv: 6 images of 6 are not in ${folder}: a 0 in line 2, g 0 in line 3, v 0 in line 4, …; ` +
        `give --data ${folder}/photos, where the first one is`,
    );
    const alone = await refused("train", "--val-list", path);
    assertEquals(alone, [2, "error: --val-list: it goes with --train-list, which is not given\n"]);
    const both = await refused("data", "inspect", "--train-list", path, "--val-list", path, "--val-fraction", "0.2");
    assertEquals(both, [2, "error: --val-fraction: --val-list says what is validated on\n"]);
  }));
