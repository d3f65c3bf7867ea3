import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { runCli, unwrapped, withFolder } from "../tests/_cli.ts";
import { readClassWeights } from "../cli/options/class_weights.ts";
import { openRecipe } from "../cli/options/recipes.ts";
import { readRunConfig } from "../cli/options/resume.ts";
import { checkTune, readTuning } from "../cli/tuning/tune_option.ts";
import { DiskFolder } from "./data_folder.ts";
import { readCheckpoint } from "../disk/read_checkpoint.ts";
import { MOST_BYTES, readFile, readFileSync, readIfThere, readText } from "./read_file.ts";
import { DiskStore } from "./run_store.ts";

const unix = Deno.build.os !== "windows";

async function makePipe(path: string): Promise<void> {
  await new Deno.Command("mkfifo", { args: [path] }).output();
}

Deno.test("readFile() gives all of a file, and refuses folders and what is larger than its kind may be", () =>
  withFolder(async (folder) => {
    const path = `${folder}/some`, bytes = Uint8Array.from({ length: 100_003 }, (_, k) => k * 31);
    await Deno.writeFile(path, bytes);
    assertEquals([await readFile(path, { most: 100_003 }), readFileSync(path, { most: 100_003 })], [bytes, bytes]);
    await assertRejects(
      () => readFile(path, { what: "the recipe", most: 100_002 }),
      DataError,
      `${path}: expected the recipe of at most 97.7 KiB but it has 97.7 KiB; is it another file?`,
    );
    assertThrows(() => readFileSync(path, { most: 3 }), DataError, "the file of at most 3 bytes");
    await assertRejects(() => readFile(folder, { most: 9 }), DataError, "but this is a folder");
    await assertRejects(() => readFile(`${path}/none`, { most: 9 }), DataError, "leads through a file");
    await assertRejects(() => readFile(`${folder}/none`, { most: 9 }), DataError, "the file does not exist");
    assertEquals(await readIfThere(`${folder}/none`, { most: 9 }), undefined);
    await Deno.writeFile(path, new Uint8Array());
    assertEquals(await readText(path), "");
  }));

Deno.test({
  name: "a file with a hole of a gigabyte is refused where a smaller one is expected",
  // Other systems may write the hole.
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/recipe.json`;
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, MOST_BYTES.metrics);
      await assertRejects(() => openRecipe(path, {}), DataError, "the recipe of at most 4 MiB but it has 1 GiB");
      await assertRejects(() => new DiskFolder(folder).read("recipe.json", 9), DataError, "at most 9 bytes");
      await Deno.rename(path, `${folder}/a.png`);
      await assertRejects(() => new DiskFolder(folder).read("a.png"), DataError, "the image of at most 512 MiB");
    }),
});

Deno.test({
  name: "every reader refuses a pipe, which nobody writes to, and an endless device, by their names",
  ignore: !unix,
  fn: () =>
    withFolder(async (folder) => {
      const pipe = `${folder}/pipe.json`, endless = `${folder}/endless.json`, data = new DiskFolder(folder);
      await makePipe(pipe);
      await Deno.symlink("/dev/zero", endless);
      const store = await DiskStore.open(folder), tuner = { identity: "some" } as Parameters<typeof readTuning>[1];
      for (const [path, came] of [[pipe, "a pipe"], [endless, "a device"]]) {
        const name = path.slice(folder.length + 1), config = `${folder}/config.json`;
        await Deno.rename(path, config);
        await assertRejects(() => readRunConfig(folder), DataError, `this is ${came}`);
        await Deno.rename(config, path);
        checkTune(path);
        assertThrows(() => readTuning(path, tuner), DataError, `this is ${came}`);
        for (
          const read of [
            () => data.read(name),
            () => readCheckpoint(path),
            () => openRecipe(path, {}),
            () => readClassWeights(path, ["a", "b"]),
            () => store.read(name),
            () => store.append(name, "more"),
          ]
        ) {
          await assertRejects(read, DataError, `${path}: expected`);
          await assertRejects(read, DataError, `a regular file, but this is ${came}; save it as a file first`);
        }
      }
    }),
});

Deno.test({
  name: "readFile() refuses a file of the system whose size is not known",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // In a process of its own: Deno asks for all permissions there, which tests do not have.
    const { code, stderr } = await runCli(["predict", "--checkpoint", "/proc/self/status", "photo.jpg"]);
    assertEquals(code, 1);
    assertStringIncludes(unwrapped(stderr), "of 0 bytes, as the system says, but it gave more");
  },
});
