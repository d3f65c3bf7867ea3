/** The example runs on a folder of image files, goes on where it stood, and leaves a network that knows the classes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { testWhole } from "../tests/_all.ts";
import { writeImages } from "../tests/_image_files.ts";

testWhole(
  "train_on_photos.ts trains on a folder, resumes, names the photos and writes an ONNX file when it is run",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await writeImages(`${folder}/photos/train`, 20);
      await writeImages(`${folder}/photos/val`, 5);
      const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
      const main = fileURLToPath(new URL("train_on_photos.ts", import.meta.url));
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--config", config, main, "photos", "runs/photos"],
        cwd: folder,
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      // Three batches of 16 an epoch, of 60 images.
      assertEquals(lines.filter((line) => line.endsWith("done")), ["0 steps are done", "6 steps are done"]);
      const epochs = lines.filter((line) => line.startsWith("epoch"));
      assertEquals(epochs.map((line) => line.split(":")[0]), ["epoch 1", "epoch 2", "epoch 3", "epoch 4"]);
      const photos = lines.filter((line) => line.startsWith("val/"));
      assertEquals(photos.length, 15);
      for (const line of photos) assertMatch(line, /^val\/\w+\/\d+\.(?:png|jpg): \w+, \d+\.\d %$/);
      // The set has a colour a class.
      const right = photos.filter((line) => line.split("/")[1] === /: (\w+),/.exec(line)![1]).length;
      assert(right >= 12, photos.join("\n"));
      const files = [...Deno.readDirSync(`${folder}/runs/photos`)].map(({ name }) => name).sort();
      const expected = ["best.safetensors", "confusion.svg", "curves.svg", "last.safetensors", "metrics.jsonl"];
      assertEquals(files, [...expected, "model.onnx", "previous.safetensors", "validation.json"]);
      assert(Deno.statSync(`${folder}/runs/photos/model.onnx`).size > 100_000);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
