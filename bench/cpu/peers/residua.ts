/** This library as a peer, through its public interface. */

import { type Backend, compile, openBackend } from "../../../core/mod.ts";
import { cifarResNet } from "../../../models/mod.ts";
import { compileFoldedInference, compileInference } from "../../../inference/mod.ts";
import { Trainer } from "../../../train/mod.ts";
import { Variables } from "../../../weights/mod.ts";
import { recordOp } from "../graphs.ts";
import { servedModel } from "../networks.ts";
import { RESNET20_TENSORS } from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import { type InferenceWork, LEARNING_RATE, type NetworkWork, type Work } from "../work.ts";
import { backendName, type Prepared, serve, threads } from "./_serve.ts";

function open(): Promise<Backend> {
  return openBackend(backendName as "cpu" | "webgpu", { threads });
}

async function prepareOp(
  backend: Backend,
  work: Exclude<Work, NetworkWork | InferenceWork>,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const { graph, output } = recordOp(work, tensors);
  const program = await compile(graph, backend, { outputs: { output } });
  for (const [name, { data }] of tensors) program.write(name, data);
  return {
    async run() {
      program.run();
      await backend.finish();
    },
    output: async () => await program.read("output") as Float32Array,
    release: () => program.destroy(),
  };
}

async function prepareNetwork(
  backend: Backend,
  work: NetworkWork,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const { batch, size } = work;
  const model = cifarResNet({ depth: 20, inputShape: [3, size, size] });
  const trainer = await Trainer.create({ model, backend, batch });
  for (const [name, storage] of trainer.variables.storages) {
    if (tensors.has(name)) storage.write(tensors.get(name)!.data);
  }
  const images = tensors.get("image")!.data, labels = new Uint32Array(tensors.get("label")!.data);
  if (work.pass === "training") {
    return {
      async run() {
        trainer.step({ images, labels }, LEARNING_RATE);
        await trainer.results();
      },
      async output() {
        const parts: number[][] = [];
        for (const name of RESNET20_TENSORS.keys()) {
          parts.push([...await trainer.variables.storages.get(name)!.read()]);
        }
        return Float32Array.from(parts.flat());
      },
      release: () => trainer.destroy(),
    };
  }
  const inference = await compileInference(model, backend, batch, trainer.variables);
  inference.write("image", images);
  return {
    async run() {
      inference.run();
      await backend.finish();
    },
    output: async () => await inference.read("logits") as Float32Array,
    release() {
      inference.destroy();
      trainer.destroy();
    },
  };
}

/** As `loadModel` serves a network: batch norm folded into the convolutions. */
async function prepareInference(
  backend: Backend,
  work: InferenceWork,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const weights = new Map(tensors), variables = new Variables(), model = servedModel(work);
  weights.delete("image");
  const program = await compileFoldedInference(model, backend, work.batch, variables, weights, work.network);
  program.write("image", tensors.get("image")!.data);
  return {
    async run() {
      program.run();
      await backend.finish();
    },
    output: async () => await program.read("logits") as Float32Array,
    release() {
      program.destroy();
      variables.destroy();
    },
  };
}

function prepare(backend: Backend, work: Work, tensors: ReadonlyMap<string, Tensor>): Promise<Prepared> {
  if (work.kind === "resnet20") return prepareNetwork(backend, work, tensors);
  return work.kind === "inference" ? prepareInference(backend, work, tensors) : prepareOp(backend, work, tensors);
}

await serve(async () => {
  const backend = await open();
  return {
    description: `Residua, ${backend.description}`,
    ways: (work, tensors) => [{ name: backend.name, prepare: () => prepare(backend, work, tensors) }],
  };
});
