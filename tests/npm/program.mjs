/**
 * What a program does with the package for npm, in Node, Bun and Deno: trains on shapes and on a folder of photos, saves, is
 * refused while the run is locked, goes on, predicts, exports. Prints what must be the same everywhere. Its arguments: the build
 * of the CPU kernels, and the folder of the run.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { fit, loadModel, modelByName, openBackend, shapesSet } from "residua";
import { CpuBackend } from "residua/core";
import { readCheckpoint, RunFolder, writeFile } from "residua/disk";
import { openImageSet, readImage } from "residua/images";
import { exportOnnx } from "residua/onnx";
import { RunEvents, RunPlots } from "residua/plots";

const [build, run] = process.argv.slice(2);
const hash = (name) => createHash("sha256").update(readFileSync(`${run}/${name}`)).digest("hex");

const small = await openBackend("cpu");
const shapes = shapesSet({ trainCount: 32, validationCount: 10 });
await fit({ model: modelByName("resnet8"), backend: small, set: shapes, epochs: 1, batch: 16 });
small.destroy();

const backend = await CpuBackend.create({ threads: 2, build });
const set = await openImageSet("photos", { size: 32 });
const losses = [];
let locked;
for (const steps of [3, 6]) {
  const folder = new RunFolder(run), saved = await folder.resume();
  const model = modelByName("resnet8", { classes: set.classes.length }), events = new RunEvents(folder.store);
  await fit({
    ...{ model, backend, set, folder, initial: saved, progress: saved?.info.progress },
    ...{ epochs: 2, steps, batch: 4, seed: 3, onStep: ({ loss }) => losses.push(loss) },
    callbacks: [new RunPlots(folder.store, folder, "photos", set.classes), events],
  });
  await events.flush();
  locked = await new RunFolder(run).resume().then(() => "not locked", (error) => error.message);
  await folder[Symbol.asyncDispose]();
}
const best = await readCheckpoint(run), trained = await loadModel(best, { backend });
const [{ top }] = await trained.predict(await readImage("photos/val/a/0.png"));
await writeFile(`${run}/model.onnx`, await exportOnnx(best, { normalise: true }));
const missing = await readCheckpoint(`${run}/none`).then(() => "found", (error) => error.message);
trained.destroy();
backend.destroy();
console.log(JSON.stringify({
  build: backend.description,
  losses,
  top,
  locked: locked.replace(/process \d+/, "process N"),
  missing,
  // An event file is named by the second in which it begins, so that there are one or two.
  files: [...new Set(readdirSync(run).map((name) => name.replace(/^(events)\..*/, "$1")))].sort(),
  hashes: ["best.safetensors", "last.safetensors", "model.onnx"].map(hash),
}));
