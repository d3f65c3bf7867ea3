import { assertEquals } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { MemoryStore, randomSet, shortRun } from "../tests/_runs.ts";
import { fit, RunFolder } from "../train/mod.ts";
import { distributionOf, readDistributions } from "./distributions.ts";
import { RunDistributions } from "./run_distributions.ts";

const FILE = "distributions.jsonl";

Deno.test("RunDistributions writes a line an epoch, and a run that goes on has each once", async () => {
  using backend = new CpuBackend();
  const store = new MemoryStore(), run = shortRun(randomSet(18));
  const train = async (epochs: number) => {
    const folder = new RunFolder(store), saved = await folder.resume();
    const callbacks = [new RunDistributions(store)];
    await fit({
      ...run,
      backend,
      epochs,
      folder,
      callbacks,
      initial: saved,
      progress: saved?.info.progress,
      schedule: "constant",
    });
    return (await folder.load("last"))!.tensors;
  };
  const tensors = await train(2), lines = readDistributions(store.text(FILE));
  assertEquals(lines.map(({ epoch, steps }) => [epoch, steps]), [[0, 3], [1, 6]]);
  const found = lines[1].parameters.find(({ name }) => name === "layer2.0.conv1.weight")!;
  assertEquals(found.weights, distributionOf(tensors.get("layer2.0.conv1.weight")!.data));
  assertEquals(found.gradient, distributionOf(tensors.get("optimizer.momentum.layer2.0.conv1.weight")!.data));
  const whole = store.text(FILE);
  // A process that was killed: after it wrote the line of an epoch that it had not saved, and within another.
  await store.append(FILE, whole.split("\n")[1].replace('"epoch":1,"steps":6', '"epoch":2,"steps":9') + "\n");
  await store.append(FILE, whole.slice(0, 50));
  await train(3);
  const again = readDistributions(store.text(FILE));
  assertEquals(again.map(({ epoch, steps }) => [epoch, steps]), [[0, 3], [1, 6], [2, 9]]);
  assertEquals(store.text(FILE).startsWith(whole), true);
  assertEquals(store.text(FILE).split("\n").length, 4);
  // Lines of something else are none.
  const [line] = whole.split("\n"),
    [epoch, name] = [line.replace('"epoch":0', '"epoch":"x"'), line.replace('"name":"', '"names":"')];
  assertEquals(
    readDistributions([epoch, name, "null", "{}", line.replace(/"mean":[^,]+/, '"mean":null')].join("\n")),
    [],
  );
  assertEquals(readDistributions(line).length, 1);
});
