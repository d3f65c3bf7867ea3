/** The worker of the page: trains and classifies, so that the page stays awake. */

import { type Backend, LoadedModel, loadModel, MODEL_NAMES, openBackend } from "@residua/residua";
import { decideBackend } from "@residua/residua/core";
import { decodeBlob } from "@residua/residua/data";
import type { Answer, Request, Settings, Task } from "./protocol.ts";
import { namedWeights } from "./worker/weights.ts";
import { messageOf } from "./worker/message.ts";
import { prepareRun, type Run, train } from "./worker/train.ts";

/** The worker's own scope, of which the types of pages know nothing. */
const scope = self as unknown as {
  postMessage(answer: Answer): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};
const tell = (answer: Answer) => scope.postMessage(answer);

/** What classifies, and where; nothing until there is a network. */
let current: { readonly backend: Backend; readonly model: LoadedModel } | undefined;
/** The last run, which may go on. */
let run: Run | undefined;
let stop = new AbortController();
/** Requests are answered one after the other; stop does not wait. */
let queue: Promise<void> = Promise.resolve();

/** Gives back what classifies. */
function release(): void {
  current?.model.destroy();
  current?.backend.destroy();
  current = undefined;
}

/** Makes ready what classifies from now on; the backend is given back if it fails. */
async function use(file: Uint8Array<ArrayBuffer>, backend: Backend, settings: Settings, source: string): Promise<void> {
  try {
    const checkpoint = namedWeights(file, source, settings.model);
    const model = await loadModel(checkpoint, { backend, batch: 1, model: checkpoint.model, source });
    current = { backend, model };
    const { name, inputShape: [, height, width] } = model.model;
    const text = `${name} at ${width}×${height} pixels, on ${backend.description}`;
    tell({ kind: "ready", text, classes: model.classes, file });
  } catch (error) {
    backend.destroy();
    throw error;
  }
}

async function answer(request: Exclude<Request, { kind: "stop" }>): Promise<void> {
  if (request.kind === "classify") {
    if (current === undefined) throw new Error("There is no network yet; train one, or load weights");
    const [{ top }] = await current.model.predict(await decodeBlob(request.image));
    return tell({ kind: "classified", id: request.id, top });
  }
  release();
  const { settings } = request, backend = await openBackend(settings.backend);
  if (request.kind === "open") {
    tell({ kind: "activity", text: `Loading ${request.weights.name}` });
    const file = new Uint8Array(await request.weights.arrayBuffer());
    return await use(file, backend, settings, request.weights.name);
  }
  let file: Uint8Array<ArrayBuffer>;
  try {
    if (request.kind === "train") run = await prepareRun(request, backend, tell);
    if (run === undefined) throw new Error("There is no run to go on with; train one");
    file = await train(run, backend, stop.signal, tell);
  } catch (error) {
    backend.destroy();
    throw error;
  }
  await use(file, backend, { ...settings, model: undefined }, "the trained weights");
}

scope.onmessage = ({ data: request }) => {
  if (request.kind === "stop") return stop.abort();
  if (request.kind === "train" || request.kind === "resume") stop = new AbortController();
  const task: Task = request.kind === "resume" ? "train" : request.kind,
    id = request.kind === "classify" ? request.id : undefined;
  queue = queue.then(() => answer(request)).catch((error) =>
    tell({ kind: "failed", task, id, message: messageOf(error) })
  );
};

const { backend, reason } = await decideBackend("auto");
const threads = crossOriginIsolated
  ? `${navigator.hardwareConcurrency} threads`
  : "one thread, as this page is not cross-origin isolated";
tell({
  kind: "hello",
  device: backend === "webgpu" ? `WebGPU: ${reason}` : `CPU, ${threads}. ${reason}`,
  models: MODEL_NAMES,
});
