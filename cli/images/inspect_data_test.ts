import { assertEquals, assertRejects } from "@std/assert";
import { OutOfMemoryError } from "../../core/mod.ts";
import { randomSet } from "../../tests/_runs.ts";
import { surveyImages } from "./inspect_data.ts";

Deno.test("surveyImages() counts damaged images, and none for which there is no memory", async () => {
  const set = randomSet(3, 5), { train } = set;
  const failing = (error: Error) => ({
    ...set,
    train: {
      count: 3,
      labels: train.labels,
      read: (index: number) => index === 1 ? Promise.reject(error) : train.read(index),
    },
  });
  const { images, damaged, width } = await surveyImages(failing(new Error("it is damaged")));
  assertEquals([images, damaged, width?.maximum], [13, ["it is damaged"], 5]);
  await assertRejects(
    () => surveyImages(failing(new RangeError("Array buffer allocation failed"))),
    OutOfMemoryError,
    "image 1: there is no memory left to read it (Array buffer allocation failed)",
  );
});
