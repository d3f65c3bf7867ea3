/** `serve` as programs and people meet it: predictions, refusals, metrics, and its end. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { Batcher } from "../cli/serve/batcher.ts";
import { createHandler, type HandlerParts } from "../cli/serve/handler.ts";
import { ServerMetrics } from "../cli/serve/metrics.ts";
import { DeviceError, Random } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint } from "../weights/mod.ts";
import { runCli, startCli, withFolder } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { randomTensors } from "./_random_model.ts";

const CLASSES = ["ant", "bee", "cat"], CPU = ["--backend", "cpu", "--threads", "1"];

/** A checkpoint and some images of several sizes. */
async function withFiles(run: (folder: string, images: readonly string[]) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const model = { name: "resnet8", classes: 3 }, info = { model, classes: CLASSES };
    const normalisation = { mean: [0.45, 0.5, 0.55], std: [0.25, 0.2, 0.3] };
    const tensors = randomTensors(modelByName("resnet8", { classes: 3 }), 8);
    await Deno.writeFile(`${folder}/best.safetensors`, encodeCheckpoint(tensors, { ...info, normalisation }));
    const random = new Random(3), images: string[] = [];
    for (const [k, [width, height]] of [[32, 32], [57, 41], [19, 83]].entries()) {
      const pixels = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
      images.push(`${folder}/${k}.png`);
      await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(images[k]);
    }
    await run(folder, images);
  });
}

Deno.test("serve gives predict's probabilities to one image and to several, refuses what is none, and ends when asked to", () =>
  withFiles(async (folder, images) => {
    const asked = await runInProcess(["predict", "--checkpoint", folder, ...images, "--json", ...CPU]);
    const expected = asked.stdout.trim().split("\n").map((line) => JSON.parse(line).predictions);
    await using server = startCli(["serve", "--checkpoint", folder, "--port", "0", "--max-request", "1", ...CPU]);
    const [, address] = await server.line(/^Listening at (http:\/\/127\.0\.0\.1:\d+); Ctrl-C stops$/);
    const post = async (body: BodyInit) => {
      const response = await fetch(`${address}/predict`, { method: "POST", body });
      return { status: response.status, ...await response.json() };
    };
    const same = (actual: typeof expected[number], k: number) => {
      assertEquals(
        actual.map(({ class: name }: { class: string }) => name),
        expected[k].map((one: { class: string }) => one.class),
      );
      for (const [c, { probability }] of actual.entries()) {
        assertAlmostEquals(probability, expected[k][c].probability, 1e-5);
      }
    };
    for (const [k, path] of images.entries()) {
      const { status, images: [answer] } = await post(await Deno.readFile(path));
      assertEquals(status, 200);
      same(answer.predictions, k);
    }
    const form = new FormData();
    for (const path of images) form.append("file", new File([await Deno.readFile(path)], path.split("/").at(-1)!));
    form.append("file", new File(["no image"], "x.png"));
    const several = await post(form);
    assertEquals(several.images.map(({ file }: { file: string }) => file), ["0.png", "1.png", "2.png", "x.png"]);
    several.images.slice(0, 3).forEach(({ predictions }: { predictions: typeof expected[number] }, k: number) =>
      same(predictions, k)
    );
    assertStringIncludes(several.images[3].error, "x.png: expected an image (PNG, JPEG");
    // Many at once.
    const bytes = await Deno.readFile(images[1]),
      many = await Promise.all(Array.from({ length: 20 }, () => post(bytes)));
    for (const { images: [answer] } of many) same(answer.predictions, 1);

    const bad = await post("no image");
    assertEquals(bad.status, 400);
    assertStringIncludes(bad.images[0].error, "the image: expected an image");
    const large = await post(new Uint8Array(2 ** 20 + 1));
    assertEquals([large.status, large.error.slice(0, 39)], [413, "The request has more than 1048576 bytes"]);
    const health = await (await fetch(`${address}/health`)).json();
    assertEquals(health, { status: "ok", model: "resnet8", inputShape: [3, 32, 32], classes: CLASSES });
    const metrics = await (await fetch(`${address}/metrics`)).text();
    for (
      const line of [
        'residua_requests_total{code="200"} 24',
        'residua_requests_total{code="413"} 1',
        "residua_images_total 26",
      ]
    ) {
      assertStringIncludes(metrics, `\n${line}\n`);
    }
    const page = await fetch(address);
    assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
    assertStringIncludes(await page.text(), "Choose images, drop them here");
    const taken = await runCli(["serve", "--checkpoint", folder, "--port", new URL(address).port, ...CPU]);
    assertEquals(taken.code, 2);
    assertStringIncludes(taken.stderr, "is in use; give another");
    // A client that leaves in the middle of its image is no fault of the server's.
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(address).port) });
    await connection.write(
      new TextEncoder().encode("POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 999\r\n\r\nx"),
    );
    connection.close();
    const counted = async () => (await (await fetch(`${address}/metrics`)).text()).includes('{code="499"} 1\n');
    while (!await counted()) await new Promise((resolve) => setTimeout(resolve, 5));
    const { code, stdout, stderr } = await server.end("SIGTERM");
    assertEquals([code, stdout.trim().split("\n").at(-1)], [0, "Stopped."], stderr);
    assert(!stderr.includes("error"), stderr);
  }));

/** A handler over a model that answers when it is let go, or fails. */
function handler(parts: Partial<HandlerParts> & { readonly run?: (tensor: Float32Array) => Promise<[]> } = {}) {
  const metrics = new ServerMetrics(), errors: unknown[] = [];
  const run = parts.run ??
    ((tensor: Float32Array) =>
      Promise.resolve(
        Array.from(tensor, () => ({ top: [{ label: "ant", index: 0, probability: 1 }], logits: new Float32Array(3) })),
      ));
  const batcher = new Batcher({ run, batch: 4, wait: 0, most: 2 });
  const handle = createHandler({
    model: { classes: CLASSES, inputShape: [3, 32, 32] },
    name: "resnet8",
    prepare: () => Promise.resolve(new Float32Array(1)),
    batcher,
    metrics,
    limits: { bytes: 1000, images: 2 },
    timeout: 60_000,
    top: 1,
    onError: (error) => errors.push(error),
    ...parts,
  });
  const ask = async (path: string, init?: RequestInit, host = "127.0.0.1") => {
    const response = await handle(new Request(`http://${host}:8000${path}`, init)), text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      error: text.startsWith("{") ? JSON.parse(text).error : text,
    };
  };
  return { ask, handle, errors, metrics, batcher };
}

const post = (body: BodyInit | null = "x") => ({ method: "POST", body });

Deno.test("a handler answers with the status of what is wrong, and a sentence", async () => {
  const { ask } = handler({ hosts: ["127.0.0.1", "localhost"] });
  assertEquals((await ask("/predict", post())).status, 200);
  const nowhere = await ask("/nowhere");
  assertEquals([nowhere.status, nowhere.error], [404, "There is nothing at /nowhere; send images to /predict by POST"]);
  const got = await ask("/predict");
  assertEquals([got.status, got.headers.get("allow")], [405, "POST"]);
  assertEquals((await ask("/health", post())).status, 405);
  assertEquals((await ask("/health", { method: "HEAD" })).status, 200);
  assertStringIncludes((await ask("/predict", post(null))).error, "The request is empty");
  const form = {
    method: "POST",
    body: "--a\r\nbroken",
    headers: { "content-type": "multipart/form-data" },
  };
  assertStringIncludes((await ask("/predict", form)).error, "The form cannot be read");
  const empty = new FormData(), full = new FormData();
  empty.append("text", "x");
  for (let k = 0; k < 3; k++) full.append("file", new File(["x"], "x"));
  assertStringIncludes((await ask("/predict", post(empty))).error, "The form has no file");
  const many = await ask("/predict", post(full));
  assertEquals([many.status, many.error], [413, "The form has 3 files; expected 2 at most"]);
  // A length that is not said is counted.
  const stream = new Blob([new Uint8Array(1001)]).stream();
  const streamed = { method: "POST", body: stream, duplex: "half" } as RequestInit;
  assertEquals((await ask("/predict", streamed)).status, 413);
  const foreign = await ask("/health", {}, "evil.example");
  assertEquals([foreign.status, foreign.error], [403, "This server is 127.0.0.1, and not evil.example"]);
});

Deno.test("a handler refuses what finds no room or no answer in time, and tells of failures that are not the request's", async () => {
  const gate = Promise.withResolvers<[]>(), { ask, batcher } = handler({ run: () => gate.promise, timeout: 300 });
  const running = ask("/predict", post());
  while (batcher.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const waiting = [ask("/predict", post()), ask("/predict", post())];
  await new Promise((resolve) => setTimeout(resolve, 20));
  const refused = await ask("/predict", post());
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  assertStringIncludes(refused.error, "2 images wait already, of 2 at most");
  for (const { status, error } of await Promise.all([running, ...waiting])) {
    assertEquals([status, error], [503, "There was no answer in 0.3 seconds; try again later"]);
  }
  const left = Promise.reject(new Error("the connection was closed")), free = handler({ run: () => gate.promise });
  left.catch(() => {});
  assertEquals(
    (await free.handle(new Request("http://127.0.0.1:8000/predict", post()), { completed: left })).status,
    499,
  );
  gate.resolve([]);
  // Deno's server throws when the body is asked for, or while it is read.
  const cut = new ReadableStream({ pull: (controller) => controller.error(new TypeError("connection closed")) });
  const broken = { method: "POST", body: cut, duplex: "half" } as RequestInit;
  assertEquals([(await free.ask("/predict", broken)).status, free.errors], [499, []]);
  const gone = new Request("http://127.0.0.1:8000/predict", post());
  Object.defineProperty(gone, "body", {
    get() {
      throw new TypeError("the resource is unavailable");
    },
  });
  assertEquals([(await free.handle(gone)).status, free.errors], [499, []]);

  const lost = handler({ run: () => Promise.reject(new DeviceError("The GPU was lost")) });
  const failed = await lost.ask("/predict", post());
  assertEquals([failed.status, failed.error, lost.errors.length], [500, "The GPU was lost", 1]);
  const failing = handler({ run: () => Promise.reject(new TypeError("a secret")) });
  assertEquals((await failing.ask("/predict", post())).error, "The server failed; see its output");
  assert(failing.errors[0] instanceof TypeError);
  assertStringIncludes(failing.metrics.text(0), 'residua_requests_total{code="500"} 1');
});
