/** Trains your network on your data, and goes on where it was stopped: `deno task train`. */

import { augmentationByName, fit, openBackend } from "@residua/residua";
import { RunFolder } from "@residua/residua/disk";
import { set } from "./data.ts";
import { network } from "./network.ts";

const EPOCHS = Number(Deno.args[0] ?? 5);

const backend = await openBackend("auto"), model = network(set.classes.length, set.shape);
await using folder = new RunFolder("runs/first");
const saved = await folder.resume();
console.log(`${model.name} on ${set.name}, ${backend.description}`);
await fit({
  model,
  backend,
  set,
  epochs: EPOCHS,
  batch: 32,
  rate: 0.05,
  augmentation: augmentationByName("auto", set),
  folder,
  initial: saved,
  progress: saved?.info.progress,
  onEpoch: ({ epoch, trainLoss, validation }) =>
    console.log(`epoch ${epoch + 1}: loss ${trainLoss.toFixed(3)}, ${(100 * validation.top1).toFixed(1)} % right`),
});
backend.destroy();
