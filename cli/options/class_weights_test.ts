import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../core/mod.ts";
import { readClassWeights } from "./class_weights.ts";

const CLASSES = ["cat", "dog", "3"];

async function fromFile(content: string): Promise<unknown> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, content);
    return await readClassWeights(path, CLASSES);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readClassWeights() takes a word, numbers, and files of a list or of names", async () => {
  assertEquals(await readClassWeights("balanced", CLASSES), "balanced");
  assertEquals(await readClassWeights("1, 0.5,2e1", CLASSES), [1, 0.5, 20]);
  assertEquals(await fromFile("[3, 2, 1]"), [3, 2, 1]);
  assertEquals(await fromFile('{ "3": 3, "dog": 2, "cat": 1 }'), [1, 2, 3]);
});

Deno.test("readClassWeights() says what is wrong", async () => {
  const fails = (weights: Promise<unknown>, message: string, kind: typeof DataError | typeof UsageError = DataError) =>
    assertRejects(() => weights, kind, message);
  await fails(readClassWeights("1,2", CLASSES), "there are 2 for 3 classes", UsageError);
  await fails(readClassWeights("1,0,2", CLASSES), "that of class dog is 0", UsageError);
  await fails(readClassWeights("ballanced", CLASSES), "there is no such file");
  await fails(fromFile("{"), "the file is not JSON");
  await fails(fromFile('{ "cat": 1, "dog": 2, "bird": 3 }'), "there is no class bird");
  await fails(fromFile('{ "cat": 1, "dog": 2 }'), "there is none for class 3");
  await fails(fromFile('[1, "2", 3]'), 'that of class dog is "2"');
  await fails(fromFile("7"), "the whole is 7, expected a list of weights, or an object");
  await fails(fromFile("null"), "the whole is null, expected a list of weights, or an object");
  await fails(fromFile('{ "cat": 1, "dog": 2, "__proto__": 3 }'), "there is no class __proto__");
  await fails(readClassWeights("1,0x2,3", CLASSES), "there is no such file");
});
