/** `deno task serve`: classifies the images that are sent to it. */

import { DataError, DeviceError, UsageError } from "../../core/mod.ts";
import type { LoadedModel } from "../../inference/mod.ts";
import { defineCommand } from "../command.ts";
import { messageOf } from "../error_message.ts";
import { DecodeBudget, decodeImage, discard } from "../../images/mod.ts";
import { Interrupt } from "../interrupt.ts";
import { CLASSIFIER_OPTIONS, openClassifier } from "../options/classifier.ts";
import { inGroup, type Values } from "../options/option.ts";
import { printNotice, printText } from "../reports/layout.ts";
import { Batcher } from "../serve/batcher.ts";
import { createHandler } from "../serve/handler.ts";
import { ServerMetrics } from "../serve/metrics.ts";
import type { SentImage } from "../serve/read_body.ts";

const MIB = 2 ** 20;
/** The most images of a request. */
const MOST_IMAGES = 64;
/** Milliseconds that requests have to be answered once the server is stopped. */
const PATIENCE = 10_000;
/** The addresses of this machine alone, and the names under which it is asked for there. */
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]", "::1"];

const OPTIONS = {
  ...inGroup(
    "Server",
    {
      host: {
        kind: "text",
        about: "the address to listen at; 0.0.0.0 lets other machines in, and asks nobody who they are",
        default: "127.0.0.1",
      },
      port: {
        kind: "integer",
        about: "the port; 0 takes one that is free",
        default: 8000,
        minimum: 0,
        maximum: 65_535,
      },
      wait: {
        kind: "number",
        about: "milliseconds for which the first image of a batch that is not full waits for others",
        default: 1,
        minimum: 0,
        maximum: 10_000,
      },
      queue: {
        kind: "integer",
        about: "images that may wait; what comes then is refused with status 503",
        default: 256,
        minimum: 1,
        maximum: 100_000,
      },
      "max-request": { kind: "number", about: "the most MiB of a request", default: 16, minimum: 0, maximum: 1024 },
      timeout: {
        kind: "number",
        about: "seconds in which a request is answered",
        default: 30,
        minimum: 0.1,
        maximum: 86_400,
      },
    } as const,
  ),
  ...CLASSIFIER_OPTIONS,
} as const;

type ServeValues = Values<typeof OPTIONS>;

/** `deno task serve`. */
export const serveCommand = defineCommand({
  name: "serve",
  about: "Classify images over HTTP: POST /predict, a page to try it, /health and /metrics.",
  options: OPTIONS,
  examples: [
    ["--checkpoint runs/first", "on this machine alone, at http://127.0.0.1:8000"],
    ["--checkpoint torchvision:resnet50 --port 9000 --batch 32", "torchvision's weights, larger batches"],
  ],
}, serve);

async function serve(values: ServeValues): Promise<void> {
  using classifier = await openClassifier({ ...values, progress: true });
  const { model, top, source, preparation } = classifier;
  printText(`${model.model.name}, ${source}: ${model.classes.length} classes`);
  printText(preparation);
  printText(model.backend.description);
  await answer(model, values, top);
}

/** Listens until a signal comes or the device fails, and then answers what was asked before. */
async function answer(model: LoadedModel, values: ServeValues, top: number): Promise<void> {
  const metrics = new ServerMetrics(), stop = new AbortController();
  let failure: Error | undefined;
  const batcher = new Batcher({
    run: (tensor) => model.predictTensor(tensor, { top }),
    batch: model.batch,
    wait: values.wait,
    most: values.queue,
    onBatch: (images) => metrics.computed(images),
  });
  const handler = createHandler({
    model,
    name: model.model.name,
    prepare: preparer(model, values["max-megapixels"]),
    batcher,
    metrics,
    limits: { bytes: values["max-request"] * MIB, images: Math.min(MOST_IMAGES, values.queue) },
    timeout: 1000 * values.timeout,
    top,
    hosts: LOOPBACK.includes(values.host) ? LOOPBACK : undefined,
    onError(error) {
      printNotice(`error: ${error instanceof Error ? messageOf(error) : error}`);
      // Without its device no request will be answered.
      if (!(error instanceof DeviceError)) return;
      failure = error;
      stop.abort();
    },
  });
  using interrupt = new Interrupt(() => printNotice("Answering what was asked; interrupt again to leave at once."));
  const server = listen(values, handler), stopped = AbortSignal.any([interrupt.signal, stop.signal]);
  await new Promise<void>((resolve) => stopped.addEventListener("abort", () => resolve(), { once: true }));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE));
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
  if (failure !== undefined) throw failure;
  printText("Stopped.");
}

function listen({ host, port }: ServeValues, handler: Deno.ServeHandler): Deno.HttpServer {
  try {
    return Deno.serve({
      hostname: host.replace(/^\[|\]$/g, ""),
      port,
      onListen: ({ hostname, port }) => {
        const name = hostname.includes(":") ? `[${hostname}]` : hostname;
        printText(`Listening at http://${name}:${port}; Ctrl-C stops`);
      },
      onError: () => new Response("The server failed\n", { status: 500 }),
    }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UsageError(`--port: ${port} at ${host} is in use; give another, or 0 for one that is free`);
    }
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new DataError(`The server cannot listen at ${host}, port ${port}: ${(error as Error).message}`);
  }
}

/** Decodes images within one budget of memory, and makes them ready. */
function preparer(model: LoadedModel, maxMegapixels: number): (image: SentImage) => Promise<Float32Array> {
  const budget = new DecodeBudget();
  return async ({ file, bytes }) => {
    using held = budget.reserve();
    const limits = { maxMegapixels, hold: (bytes: number) => held.hold(bytes) };
    const image = await decodeImage(bytes, file || "the image", undefined, limits);
    const tensor = model.prepare(image);
    discard(image);
    return tensor;
  };
}
