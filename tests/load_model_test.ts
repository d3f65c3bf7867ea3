/** Loaded models on the CPU, where they come from, and what is refused. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CpuBackend, DataError, NumericError, UsageError } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint, encodeSafetensors } from "../weights/mod.ts";
import { loadModel, type LoadModelOptions } from "../inference/mod.ts";
import { randomTensors } from "./_random_model.ts";
import { checkLoadedModel, info, model, photos, tensors } from "./_load_model.ts";

const bytes = encodeCheckpoint(tensors, info);

Deno.test("a loaded model predicts any number of images on the CPU, and gives its memory back", () =>
  checkLoadedModel(new CpuBackend(), [1, 4, 32].flatMap((batch) => [{ fold: true, batch }, { fold: false, batch }])));

Deno.test("loadModel() takes bytes, a blob, a response and a decoded checkpoint", async () => {
  const backend = new CpuBackend(), [photo] = photos(1);
  const sources = [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes), { tensors, info }];
  const answers = await Promise.all(sources.map(async (source) => {
    const loaded = await loadModel(source, { backend, batch: 1 });
    const [{ logits }] = await loaded.predict(photo);
    loaded.destroy();
    return logits;
  }));
  for (const logits of answers) assertEquals(logits, answers[0]);
  await assertRejects(
    () => loadModel(new Response("gone", { status: 404 }), { source: "resnet.safetensors" }),
    DataError,
    "resnet.safetensors: the request was answered with status 404",
  );
});

Deno.test("loadModel() opens a backend and gives it back, and a destroyed model says so", async () => {
  const loaded = await loadModel(bytes, { backend: "cpu", batch: 2 });
  assertEquals((await loaded.predict(photos(3))).length, 3);
  loaded.destroy();
  loaded.destroy();
  await assertRejects(() => loaded.predict(photos(1)), UsageError, "destroyed");
});

Deno.test("loadModel() takes a bare weight file with the network's name, or a network of one's own", async () => {
  const backend = new CpuBackend(),
    small = modelByName("resnet8"),
    weights = encodeSafetensors(randomTensors(small, 1));
  const { normalisation } = info,
    bare = await loadModel(weights, { backend, model: "resnet8", normalisation, batch: 1 });
  assertEquals([bare.classes.length, bare.classes[9], bare.preprocessing.resize], [10, "9", 32]);
  bare.destroy();
  const three = randomTensors(modelByName("mobilenet_v2_0.25", { classes: 3 }), 1);
  const mobile = await loadModel({ tensors: three }, { backend, model: "mobilenet_v2_0.25", batch: 1 });
  assertEquals([mobile.classes.length, mobile.normalisation.mean[0], mobile.preprocessing.resize], [3, 0.485, 256]);
  mobile.destroy();
  const named = { ...info, model: { name: "of my own" } };
  const own = await loadModel({ tensors, info: named }, { backend, model, batch: 1 });
  assertEquals(own.model, model);
  own.destroy();
});

Deno.test("loadModel() takes a bare weight file of a network of grey images", async () => {
  const backend = new CpuBackend(), normalisation = { mean: [0.3], std: [0.2] };
  const grey = modelByName("resnet8", { classes: 3, inputShape: [1, 32, 32] }), weights = randomTensors(grey, 4);
  const described = {
    model: { name: "resnet8", classes: 3, inputShape: [1, 32, 32] as const },
    classes: ["0", "1", "2"],
  };
  const whole = await loadModel({ tensors: weights, info: { ...described, normalisation } }, { backend, batch: 1 });
  const bytes = encodeSafetensors(weights), [photo] = photos(1), expected = await whole.predict(photo);
  for (const view of [bytes, new DataView(bytes.buffer)]) {
    const bare = await loadModel(view, { backend, model: "resnet8", normalisation, batch: 1 });
    assertEquals([bare.inputShape, await bare.predict(photo)], [[1, 32, 32], expected]);
    bare.destroy();
  }
  whole.destroy();
});

Deno.test("loadModel() heeds how images are to be made ready", async () => {
  const backend = new CpuBackend(), preprocessing = { resize: 17, crop: [12, 10], interpolation: "bilinear" } as const;
  const stored = await loadModel({ tensors, info: { ...info, preprocessing } }, { backend, batch: 1 });
  const given = await loadModel({ tensors, info }, { backend, preprocessing, batch: 1 });
  const usual = await loadModel({ tensors, info }, { backend, batch: 1 });
  assertEquals([stored, given, usual].map((loaded) => loaded.preprocessing.resize), [17, 17, 12]);
  const [photo] = photos(1), answers = [];
  for (const loaded of [stored, given, usual]) {
    answers.push((await loaded.predict(photo))[0].logits.join());
    loaded.destroy();
  }
  assertEquals([answers[0] === answers[1], answers[0] === answers[2]], [true, false]);
});

Deno.test("loadModel() refuses what does not fit, by name", async () => {
  const backend = new CpuBackend(), before = backend.liveBytes;
  const refuse = async (
    from: Parameters<typeof loadModel>[0],
    options: LoadModelOptions,
    kind: typeof DataError | typeof UsageError,
    part: string,
  ) => {
    const error = await assertRejects(() => loadModel(from, { backend, source: "file", ...options }), kind);
    assertStringIncludes(error.message, part);
    assertEquals(backend.liveBytes, before);
  };
  const checkpoint = { tensors, info }, { normalisation } = info;
  await refuse(new Uint8Array(3), {}, DataError, "file: expected at least 8 bytes");
  await refuse(encodeSafetensors(tensors), {}, UsageError, "file does not say which model");
  await refuse({ tensors }, { model: "resnet8" }, UsageError, "file does not say by which mean");
  await refuse({ tensors }, { model: "resnet9", normalisation }, UsageError, 'no model named "resnet9"');
  await refuse({ tensors }, { model: "resnet20", normalisation }, DataError, "file: the model needs the tensor");
  await refuse({ tensors }, { fold: false, model: "resnet20", normalisation }, DataError, "needs the tensor");
  await refuse(checkpoint, { classes: ["a"] }, DataError, "7 classes apart, but 1 names came");
  await refuse(checkpoint, { normalisation: { mean: [0], std: [1] } }, UsageError, "each of 3 channels");
  await refuse(
    checkpoint,
    { normalisation: { mean: [0, 0, 0], std: [1, 0, 1] } },
    UsageError,
    "the deviations 1, 0, 1",
  );
  const preprocessing = { resize: 12, crop: [12, 12], interpolation: "bilinear" } as const;
  await refuse(checkpoint, { preprocessing }, DataError, "12x10, but the preprocessing resizes them to 12");
  await refuse(checkpoint, { preprocessing: { ...preprocessing, resize: 11, crop: [12, 10] } }, DataError, "to 11 ");
  const odd = { ...info, preprocessing: { resize: 12 } } as unknown as typeof info;
  await refuse(encodeCheckpoint(tensors, odd), {}, DataError, "file: what the file says of its model makes no sense");
  await refuse(checkpoint, { batch: 0 }, UsageError, "at least 1 but it is 0");
  await refuse({ tensors, info: {} as typeof info }, {}, DataError, "does not name its model");
});

Deno.test("predict() refuses a number of classes that there is not, part of an image, and logits that are none", async () => {
  const backend = new CpuBackend(), loaded = await loadModel({ tensors, info }, { backend, batch: 2 });
  for (const top of [0, 8, 1.5]) {
    await assertRejects(() => loaded.predict(photos(1), { top }), UsageError, "from 1 to the 7 classes");
  }
  await assertRejects(() => loaded.predictTensor(new Float32Array(361)), UsageError, "360 elements each");
  const images = new Float32Array(3 * 360);
  images[360] = NaN;
  await assertRejects(() => loaded.predictTensor(images), NumericError, "logits of image 1 are not finite");
  assertEquals((await loaded.predictTensor(new Float32Array(360))).length, 1);
});
