import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { BatchLoader, FolderDataset } from "../data/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { writeImages } from "../tests/_image_files.ts";
import { openImageSet, readImage } from "./mod.ts";

Deno.test("openImageSet() opens a folder by its path; damaged images are told, with the argument that allows large ones", () =>
  withFolder(async (folder) => {
    await writeImages(`${folder}/train`, 4);
    await writeImages(`${folder}/val`, 1);
    for (const workers of [0, 2]) {
      const told: [string, string][] = [];
      const set = await openImageSet(folder, {
        size: 17,
        workers,
        // Of 20 to 49 pixels a side: some are larger.
        maxMegapixels: 0.0009,
        maxBad: 12,
        onBad: (message, error) =>
          told.push([message, error.format(({ argument, value }) => `--${argument}=${value}`)]),
      });
      assertEquals([set.classes, set.shape, set.train.count], [["amber", "green", "violet"], [3, 17, 17], 12]);
      assert(set.train instanceof FolderDataset);
      const normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
      const { train: dataset, shape } = set;
      await using loader = new BatchLoader({ dataset, shape, normalisation, batch: 12, shuffle: false, epochs: 1 });
      await loader.fetch(0, 0);
      assert(told.length > 0);
      for (const [message, formatted] of told) {
        assert(message.includes("allow it with `maxMegapixels: 1`; the next image"), message);
        assert(formatted.includes("allow it with --maxMegapixels=1; the next image"), formatted);
      }
    }
  }));

Deno.test("readImage() gives the pixels of a file, and names one that is not there", () =>
  withFolder(async (folder) => {
    await writeImages(folder, 1);
    const { width, height, pixels } = await readImage(`${folder}/green/100.png`);
    assertEquals(pixels.length, 3 * width * height);
    assert(Math.abs(pixels[1] - 180) <= 20);
    await assertRejects(
      () => readImage(`${folder}/none.png`),
      DataError,
      `${folder}/none.png: the image does not exist`,
    );
  }));
