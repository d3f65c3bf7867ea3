/** This library as a peer, through its public interface. */

import {
  type Backend,
  compile,
  openBackend,
  type Program,
  type TuneOptions,
  WebGpuBackend,
} from "../../../core/mod.ts";
import { tuneOptions } from "../../../cli/tuning/tune_option.ts";
import { cifarResNet } from "../../../models/mod.ts";
import { compileFoldedInference, compileInference } from "../../../inference/mod.ts";
import { Trainer } from "../../../train/mod.ts";
import { Variables } from "../../../weights/mod.ts";
import type { QueuedWork } from "../../gpu/burst.ts";
import { burstTimers } from "../../gpu/burst_timer.ts";
import { queuedSteps } from "../../gpu/queued_steps.ts";
import { recordOp } from "../graphs.ts";
import { servedModel } from "../networks.ts";
import type { Tensor } from "../tensor_file.ts";
import {
  type ConvolutionWork,
  type InferenceWork,
  isTraining,
  LEARNING_RATE,
  type MatrixProductWork,
  type NetworkWork,
  type TrainingWork,
  type Work,
} from "../work.ts";
import { backendName, type Prepared, serve, threads, tune } from "./_serve.ts";

/** Where the work runs, and how kernels are chosen. */
interface Place {
  readonly backend: Backend;
  readonly tune: TuneOptions | undefined;
}

async function open(): Promise<Place> {
  const backend = await openBackend(backendName as "cpu" | "webgpu", { threads });
  return { backend, tune: tuneOptions(tune, backend, { progress: false }) };
}

/** How runs are queued on a device; nothing on the CPU, where a run is done when it returns. */
function queued(backend: Backend, queue: QueuedWork["queue"]): QueuedWork | undefined {
  if (!(backend instanceof WebGpuBackend)) return undefined;
  return { queue, finish: () => backend.finish(), timer: burstTimers(backend) };
}

function costsOf(...programs: readonly Program[]): Prepared["costs"] {
  return programs.flatMap(({ plan }) => plan.nodes.map((node) => node.op.cost(node)));
}

/** A program whose run is the work. */
function preparedProgram(backend: Backend, program: Program, output: string, release: () => void): Prepared {
  return {
    async run() {
      program.run();
      await backend.finish();
    },
    queued: queued(backend, () => program.run()),
    costs: costsOf(program),
    output: async () => await program.read(output) as Float32Array,
    release() {
      program.destroy();
      release();
    },
  };
}

async function prepareOp(
  { backend, tune }: Place,
  work: MatrixProductWork | ConvolutionWork,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const { graph, output } = recordOp(work, tensors);
  const program = await compile(graph, backend, { outputs: { output }, tune });
  for (const [name, { data }] of tensors) program.write(name, data);
  return preparedProgram(backend, program, "output", () => {});
}

async function prepareTraining(
  { backend, tune }: Place,
  work: NetworkWork | TrainingWork,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const { batch, size } = work, precision = work.kind === "training" ? work.precision : undefined;
  const model = work.kind === "training" ? servedModel(work) : cifarResNet({ depth: 20, inputShape: [3, size, size] });
  const trainer = await Trainer.create({ model, backend, batch, precision, tune });
  for (const [name, storage] of trainer.variables.storages) {
    if (tensors.has(name)) storage.write(tensors.get(name)!.data);
  }
  const images = tensors.get("image")!.data, labels = new Uint32Array(tensors.get("label")!.data);
  const step = () => trainer.step({ images, labels }, LEARNING_RATE);
  if (isTraining(work)) {
    const steps = queuedSteps(backend, trainer, step);
    return {
      async run() {
        step();
        await trainer.results();
      },
      queued: backend instanceof WebGpuBackend ? { ...steps, timer: burstTimers(backend) } : undefined,
      costs: costsOf(trainer.program),
      async output() {
        const parts: number[][] = [], { storages } = trainer.variables;
        for (const name of tensors.keys()) {
          if (storages.has(name)) parts.push([...await storages.get(name)!.read()]);
        }
        return Float32Array.from(parts.flat());
      },
      release: () => trainer.destroy(),
    };
  }
  const inference = await compileInference(model, backend, batch, trainer.variables, { tune });
  inference.write("image", images);
  return preparedProgram(backend, inference, "logits", () => trainer.destroy());
}

/** As `loadModel` serves a network: batch norm folded into the convolutions. */
async function prepareInference(
  { backend, tune }: Place,
  work: InferenceWork,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const weights = new Map(tensors), variables = new Variables(), model = servedModel(work);
  const { batch, network, precision } = work;
  weights.delete("image");
  const program = await compileFoldedInference(model, backend, batch, variables, weights, network, { precision, tune });
  program.write("image", tensors.get("image")!.data);
  return preparedProgram(backend, program, "logits", () => variables.destroy());
}

function prepare(place: Place, work: Work, tensors: ReadonlyMap<string, Tensor>): Promise<Prepared> {
  if (work.kind === "resnet20" || work.kind === "training") return prepareTraining(place, work, tensors);
  return work.kind === "inference" ? prepareInference(place, work, tensors) : prepareOp(place, work, tensors);
}

await serve(async () => {
  const place = await open(), { backend } = place;
  return {
    description: `Residua, ${backend.description}`,
    ways: (work, tensors) => [{ name: backend.name, prepare: () => prepare(place, work, tensors) }],
    async peaks() {
      // The first measurement brings the clocks of an idle device up.
      await backend.measurePeaks();
      return await backend.measurePeaks();
    },
  };
});
