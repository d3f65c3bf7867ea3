import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Backend, CpuBackend, elementCount, f32, Graph, type Program, UsageError } from "../../core/mod.ts";
import { type Augmentation, type Batch, ResidentImages, shapesSet } from "../../data/mod.ts";
import { inputsFor, mixtureInputs, residentInputs, uploadedInputs } from "./inputs_for.ts";

const { train: dataset, shape } = shapesSet({ trainCount: 4, validationCount: 0 });
const preparation = { shape, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } };
const part = { count: 2, imageShape: shape, classes: 3, labelSmoothing: 0.3 };
const resident = residentInputs(ResidentImages.of(dataset, preparation, Infinity)!);

/** A program that keeps what was written last. */
function recorder(): { readonly program: Program; readonly written: Record<string, Float32Array | Uint32Array> } {
  const written: Record<string, Float32Array | Uint32Array> = {};
  const write = (name: string, data: Float32Array | Uint32Array) => void (written[name] = data.slice());
  return { program: { write } as Partial<Program> as Program, written };
}

Deno.test("inputsFor() keeps images on a device that has room for them, and uploads those that are mixed", () => {
  const ways = (maxResidentBytes: number, augmentation?: Augmentation) =>
    inputsFor(dataset, { ...preparation, augmentation }, { maxResidentBytes } as Backend);
  assertEquals(inputsFor(dataset, preparation, new CpuBackend()), [uploadedInputs]);
  const [first, ...others] = ways(Infinity);
  assertEquals([first.filler instanceof ResidentImages, others], [true, [uploadedInputs]]);
  assertEquals(ways(dataset.pixels.length - 1), [uploadedInputs]);
  assertEquals(ways(Infinity, { padding: 0, flip: false, erasing: 0.1 }), [uploadedInputs]);
  for (const mixture of [{ mixup: 1 }, { cutmix: 1 }]) {
    assertEquals(ways(Infinity, { padding: 0, flip: false, ...mixture }), [mixtureInputs]);
  }
});

Deno.test("BatchInputs feed every input that they record, and no other", () => {
  const labels = Uint32Array.of(0, 1, 2, 0), images = new Float32Array(4 * 3072);
  const mixture = { labels: Uint32Array.of(1, 1, 1, 1), shares: new Float32Array(4) };
  for (
    const [inputs, batch] of [
      [uploadedInputs, { images, labels }],
      [mixtureInputs, { images, labels, mixture }],
      [resident, { views: new Uint32Array(16), labels }],
    ] as const
  ) {
    const graph = new Graph(), { written, program } = recorder(), recorded = inputs.record(graph, part);
    recorded.loss(graph.input("logits", f32([2, 3])));
    inputs.connect(program, part)(batch, 0, 2);
    const known = graph.values.filter(({ kind }) => kind === "input");
    assertEquals([...Object.keys(written), "logits"].sort(), known.map(({ name }) => name).sort());
    for (const { name, spec } of known) {
      if (name !== "logits") assertEquals(written[name].length, elementCount(spec.shape), name);
    }
  }
});

Deno.test("BatchInputs feed the part of a batch that is asked for", () => {
  const images = Float32Array.from({ length: 4 * 3072 }, (_, i) => i), labels = Uint32Array.of(0, 1, 2, 0);
  const mixture = { labels: Uint32Array.of(1, 1, 0, 0), shares: Float32Array.of(1, 1, 0.75, 0.5) };
  const { written, program } = recorder();
  mixtureInputs.connect(program, part)({ images, labels, mixture }, 1, 2);
  assertEquals(written.image, images.slice(2 * 3072));
  assertEquals(written.label, Uint32Array.of(2, 0));
  const expected = [0.1 + 0.7 * 0.25, 0.1, 0.1 + 0.7 * 0.75, 0.1 + 0.7, 0.1, 0.1];
  expected.forEach((value, i) => assertAlmostEquals(written.target[i], value, 1e-6));
  const views = Uint32Array.from({ length: 16 }, (_, i) => i);
  resident.connect(program, part)({ views, labels }, 1, 2);
  assertEquals(written.views, views.slice(8));
});

Deno.test("BatchInputs refuse batches of another kind", () => {
  const labels = new Uint32Array(2), images: Batch = { images: new Float32Array(2 * 3072), labels };
  const views: Batch = { views: new Uint32Array(8), labels }, { program } = recorder();
  const fed = (inputs: typeof resident, batch: Batch) => () => inputs.connect(program, part)(batch, 0, 1);
  assertThrows(fed(uploadedInputs, views), UsageError, "Expected a batch of images but one of views came");
  assertThrows(fed(resident, images), UsageError, "Expected a batch of views but one of images came");
  assertThrows(fed(mixtureInputs, images), UsageError, "it has no mixture");
});
