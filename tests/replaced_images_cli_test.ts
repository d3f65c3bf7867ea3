/** A resumed run knows its image files again: copied ones are taken, replaced ones refused. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { testWhole } from "./_all.ts";
import { unwrapped, withFolder } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

/** Copies a folder's files; their times become those of now. */
async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.writeFile(`${to}/${name}`, await Deno.readFile(`${from}/${name}`));
  }
}

testWhole(
  "train --resume takes images that were copied, and refuses those that were replaced under the same names",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, run = `${folder}/run`, copy = `${folder}/copy`;
      await writeImages(data, 8);
      const model = ["--model", "resnet8", "--size", "16", "--batch", "6", "--lr", "0.02", "--schedule", "constant"];
      const common = ["--backend", "cpu", "--workers", "0"];
      const trained = await runInProcess(["train", "--data", data, "--out", run, ...common, ...model, "--epochs", "1"]);
      assertEquals(trained.code, 0, trained.stderr);
      await copyFolder(data, copy);
      const files = [...Deno.readDirSync(`${data}/green`)].map(({ name }) => name);
      for (const name of files) await Deno.utime(`${copy}/green/${name}`, 1e9, 1e9);
      const resumed = await runInProcess(["train", "--resume", run, "--data", copy, "--epochs", "2"]);
      assertEquals(resumed.code, 0, resumed.stderr);

      const refused = async (epochs: number, message: string) => {
        const { code, stderr } = await runInProcess(["train", "--resume", run, "--epochs", `${epochs}`]);
        assertEquals(code, 1, stderr);
        assertStringIncludes(unwrapped(stderr), `error: the training images of ${copy} are not those that the run was`);
        assertStringIncludes(unwrapped(stderr), message);
      };
      // At least one of the two is trained on.
      const bytes = await Deno.readFile(`${copy}/green/${files[0]}`),
        other = await Deno.readFile(`${copy}/green/${files[1]}`);
      const turned = bytes.map((byte, k) => k > 100 ? byte ^ 1 : byte), turnedOther = other.map((byte) => byte ^ 1);
      await Deno.writeFile(`${copy}/green/${files[0]}`, turned);
      await Deno.writeFile(`${copy}/green/${files[1]}`, turnedOther);
      await refused(3, "but other content, of the same sizes");
      await Deno.writeFile(`${copy}/green/${files[0]}`, new Uint8Array([...bytes, 0]));
      await Deno.writeFile(`${copy}/green/${files[1]}`, new Uint8Array([...other, 0]));
      await refused(3, "other sizes (");
      await Deno.writeFile(`${copy}/green/${files[0]}`, bytes);
      await Deno.writeFile(`${copy}/green/${files[1]}`, other);
      const back = await runInProcess(["train", "--resume", run, "--epochs", "3"]);
      assertEquals(back.code, 0, back.stderr);
    }),
);
