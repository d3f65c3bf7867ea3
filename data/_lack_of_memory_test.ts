import { assert, assertEquals, assertRejects } from "@std/assert";
import { OutOfMemoryError } from "../core/mod.ts";
import { lackOfMemory } from "./_lack_of_memory.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import { ImagePipeline } from "./pipeline.ts";

/** What the engine throws where it gets no memory. */
function failedAllocation(): unknown {
  try {
    return new ArrayBuffer(2 ** 52);
  } catch (error) {
    return error;
  }
}

Deno.test("lackOfMemory() knows what engines throw, and nothing else", () => {
  const lack = lackOfMemory("a.png", failedAllocation());
  assert(lack instanceof OutOfMemoryError);
  assertEquals(lack.message.slice(0, 43), "a.png: there is no memory left to read it (");
  assertEquals(lackOfMemory("b.png", lack), lack);
  for (const other of [new Error("the image is damaged"), new RangeError("offset is out of bounds"), "text"]) {
    assertEquals(lackOfMemory("a.png", other), undefined);
  }
});

Deno.test("an image for which there is no memory is not replaced by another", async () => {
  const images = new MemoryDataset([3, 2, 2], new Uint8Array(24).fill(7), Uint8Array.of(0, 1)), failed: number[] = [];
  const options = { shape: [3, 2, 2], normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } } as const;
  for (const at of [0, 1]) {
    const dataset: Dataset = {
      count: 2,
      labels: images.labels,
      read(index) {
        // The second is asked for in the place of the first.
        if (index === at) return Promise.reject(failedAllocation());
        return Promise.reject(new Error("damaged"));
      },
      failed: (index) => void failed.push(index),
    };
    const pipeline = new ImagePipeline(dataset, options);
    await assertRejects(
      async () => await pipeline.prepare(0, 0, new Float32Array(12), 0),
      OutOfMemoryError,
      "no memory left",
    );
  }
  assertEquals(failed, [0]);
});
