import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../core/mod.ts";
import { augmentationByName, BatchLoader, type FolderDataset } from "../data/mod.ts";
import { ALL, testWhole } from "../tests/_all.ts";
import golden from "../tests/golden/draft.json" with { type: "json" };
import { openData } from "../cli/options/image_options.ts";
import { ImageCaches } from "./image_caches.ts";

const NORMALISATION = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };

/** Two epochs of the training images, [epoch][batch][...]. */
async function epochs(
  folder: string,
  { caches, workers, decode = "reduced", augment = "vgg" }: {
    readonly caches?: ImageCaches;
    readonly workers: number;
    readonly decode?: string;
    readonly augment?: string;
  },
): Promise<number[][]> {
  const options = { data: folder, size: 16, workers, decode, "val-fraction": 0.25, "max-bad": 0 };
  const set = await openData(options, undefined, undefined, caches), found: number[][] = [];
  const augmentation = augmentationByName(augment, set);
  await using loader = new BatchLoader({
    dataset: set.train,
    shape: set.shape,
    normalisation: NORMALISATION,
    batch: 2,
    shuffle: true,
    seed: 3,
    augmentation,
  });
  for (let epoch = 0; epoch < 3; epoch++) {
    for (let k = 0; k < loader.batchesPerEpoch; k++) found.push([...(await loader.fetch(epoch, k)).images]);
  }
  return found;
}

/** A folder of two classes. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [k, { file }] of [...golden, ...golden].entries()) {
      await Deno.mkdir(`${folder}/class ${k % 2}`, { recursive: true });
      const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
      await Deno.writeFile(`${folder}/class ${k % 2}/${k}.jpg`, bytes);
    }
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Numbers of workers and sizes of caches, in MiB. */
const CACHES = [[2, 64], [2, 0.05], [0, 64], [2, 0]];

testWhole(
  "ImageCaches changes no bit of what is trained on, with workers and without, whole or too small",
  async () => {
    await withFolder(async (folder) => {
      for (const augment of ["vgg", "inception", "crop"]) {
        const plain = await epochs(folder, { workers: 0, augment });
        assertNotEquals(plain, await epochs(folder, { workers: 0, augment, decode: "full" }));
        for (const [workers, mib] of ALL || augment === "vgg" ? CACHES : CACHES.slice(0, 2)) {
          assertEquals(await epochs(folder, { workers, augment, caches: new ImageCaches(mib) }), plain);
        }
      }
    });
  },
);

Deno.test("ImageCaches keeps images that were read, so that the file is not read again", async () => {
  await withFolder(async (folder) => {
    const options = { data: folder, size: 16, workers: 0, decode: "reduced", "val-fraction": 0.25, "max-bad": 0 };
    const { train } = await openData(options, undefined, undefined, new ImageCaches(8));
    const least = { side: 32, pixels: 0 }, image = await train.read(1, { least });
    await train.read(0, { least, once: true });
    await Deno.remove(`${folder}/class 0`, { recursive: true });
    assertEquals(await train.read(1, { least }), image);
    await assertRejects(async () => await train.read(0, { least }), DataError, "the image does not exist");
  });
});

Deno.test("ImageCaches names the option where there is no such memory", () => {
  const caches = new ImageCaches(2 ** 40);
  assertThrows(
    () => caches.of({ count: 1 } as FolderDataset, { side: 1, pixels: 0 }),
    UsageError,
    "to keep decoded images in; give fewer, or `cacheImages: 0`",
  );
});
