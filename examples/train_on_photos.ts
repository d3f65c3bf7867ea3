/**
 * Trains on a folder of photos, a folder a class, goes on where that was stopped, asks the network about each photo that it
 * was validated on, and writes it for ONNX Runtime. All by the package's public subpaths, as an application would.
 *
 *     deno run -A examples/train_on_photos.ts photos runs/photos
 */

import { augmentationByName, fit, loadModel, modelByName, openBackend } from "@residua/residua";
import { FolderDataset } from "@residua/residua/data";
import { readCheckpoint, RunFolder, writeFile } from "@residua/residua/disk";
import { openImageSet, readImage } from "@residua/residua/images";
import { exportOnnx } from "@residua/residua/onnx";
import { RunPlots } from "@residua/residua/plots";

const [photos = "photos", run = "runs/photos"] = Deno.args;
using backend = await openBackend("auto");
const set = await openImageSet(photos, { size: 32 });
const model = modelByName("resnet8", { classes: set.classes.length });

/** Trains until some epochs are done, from wherever the run in the folder stands. */
async function train(epochs: number): Promise<void> {
  await using folder = new RunFolder(run);
  const saved = await folder.resume();
  console.log(`${saved?.info.progress.steps ?? 0} steps are done`);
  await fit({
    model,
    backend,
    set,
    epochs,
    batch: Math.min(16, set.train.count),
    rate: 0.02,
    schedule: "constant",
    augmentation: augmentationByName("auto", set),
    folder,
    initial: saved,
    progress: saved?.info.progress,
    callbacks: [new RunPlots(folder.store, folder, `${model.name} on ${set.name}`, set.classes)],
    onEpoch: ({ epoch, validation }) => console.log(`epoch ${epoch + 1}: ${(100 * validation.top1).toFixed(1)} %`),
  });
}

await train(2);
// As after a crash, or another day: only the folder knows what was done.
await train(4);

const checkpoint = await readCheckpoint(run);
using trained = await loadModel(checkpoint, { backend });
if (set.validation instanceof FolderDataset) {
  for (const file of set.validation.files) {
    const [{ top }] = await trained.predict(await readImage(`${photos}/${file}`), { top: 1 });
    console.log(`${file}: ${top[0].label}, ${(100 * top[0].probability).toFixed(1)} %`);
  }
}
await writeFile(`${run}/model.onnx`, await exportOnnx(checkpoint, { normalise: true }));
