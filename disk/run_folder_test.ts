import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { fit } from "../train/mod.ts";
import { modelByName } from "../models/mod.ts";
import { openBackend } from "../core/mod.ts";
import { shapesSet } from "../data/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { readCheckpoint, RunFolder, writeCheckpoint } from "./mod.ts";

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

const LINE = { kind: "step", step: 1, epoch: 0, loss: 2.5, lr: 0.1, imagesPerSecond: 9 } as const;

Deno.test("RunFolder makes and locks its folder with the first file, and gives it back at the end of its block", () =>
  withFolder(async (folder) => {
    const path = `${folder}/runs/one`, other = new RunFolder(path);
    {
      await using run = new RunFolder(`${path}/`);
      assert(!await exists(path));
      assertEquals(run.store.location, path);
      assertEquals(await run.readMetrics(), []);
      assert(!await exists(path));
      run.log(LINE);
      await run.flush();
      assertEquals((await Deno.readTextFile(`${path}/run.lock`)).trim(), String(Deno.pid));
      for (const use of [() => other.lock(), () => other.resume(), () => other.writeConfig({})]) {
        const { message } = await assertRejects(use, DataError, `the run is in use by process ${Deno.pid}`);
        assert(message.endsWith("or choose another folder"), message);
      }
      // Looking at a run is no use of it.
      assertEquals(await other.readMetrics(), [LINE]);
    }
    assert(!await exists(`${path}/run.lock`));
    await other.lock();
    await other[Symbol.asyncDispose]();
    assertEquals(await new RunFolder(path).readMetrics(), [LINE]);
  }));

Deno.test("RunFolder removes the folder that it made for a run that wrote nothing", () =>
  withFolder(async (folder) => {
    const path = `${folder}/empty`;
    {
      await using run = new RunFolder(path);
      assertEquals(await run.resume(), undefined);
      assert(await exists(path));
    }
    assert(!await exists(path));
  }));

Deno.test("RunFolder says what is in the way, and may be asked again", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await using run = new RunFolder(`${folder}/file`);
    await assertRejects(() => run.lock(), DataError, "expected a folder there, or nothing, but it is a file");
    await Deno.remove(`${folder}/file`);
    await run.lock();
  }));

Deno.test("a run in a folder that goes on ends with the bits of one that was not interrupted", () =>
  withFolder(async (folder) => {
    using backend = await openBackend("cpu", { threads: 1 });
    const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
    const train = async (name: string, epochs: number) => {
      await using run = new RunFolder(`${folder}/${name}`);
      const saved = await run.resume(), progress = saved?.info.progress, schedule = "constant";
      const { tensors } = await fit({
        ...{ model, backend, set, epochs, batch: 20, schedule, rate: 0.05, folder: run },
        ...{ initial: saved, progress },
      });
      return tensors.get("fc.weight")!.data;
    };
    const whole = await train("whole", 2);
    await train("parts", 1);
    assertEquals(await train("parts", 2), whole);
    const { info, source } = await readCheckpoint(`${folder}/parts`);
    assertEquals([info?.model.name, source], ["resnet8", `${folder}/parts/best.safetensors`]);
  }));

Deno.test("writeCheckpoint() makes its folder, and readCheckpoint() gives back what was written", () =>
  withFolder(async (folder) => {
    const path = `${folder}/weights/one.safetensors`;
    const tensors = new Map([["fc.weight", { shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, 1e-30, 7]) }]]);
    const info = {
      model: { name: "resnet8", classes: 2 },
      classes: ["a", "b"],
      normalisation: { mean: [1, 2, 3], std: [2, 2, 2] },
    };
    await writeCheckpoint(path, tensors, info);
    const read = await readCheckpoint(path);
    assertEquals(read.tensors.get("fc.weight"), tensors.get("fc.weight"));
    assertEquals([read.info?.classes, read.info?.normalisation, read.source], [info.classes, info.normalisation, path]);
    assertEquals([...Deno.readDirSync(`${folder}/weights`)].map(({ name }) => name), ["one.safetensors"]);
    await assertRejects(() => readCheckpoint(`${folder}/none`), DataError, "the checkpoint does not exist");
    await assertRejects(() => writeCheckpoint(`${folder}/weights/`, tensors, info), DataError, "this is a folder");
  }));
