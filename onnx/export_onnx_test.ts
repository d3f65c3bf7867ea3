import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../core/mod.ts";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { ONNX_SCHEMA } from "./encode.ts";
import { exportOnnx } from "./mod.ts";
import { modelByName } from "../models/mod.ts";
import { openBackend } from "../core/mod.ts";
import { fit } from "../train/mod.ts";
import { shapesSet } from "../data/mod.ts";

/** What is read of a file. */
interface Model {
  readonly producerName: string;
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
  readonly graph: { readonly node: readonly { readonly opType: string }[] };
}

Deno.test("exportOnnx() takes what it is not told from the checkpoint, and names the argument that is missing", async () => {
  using backend = await openBackend("cpu", { threads: 1 });
  const model = modelByName("resnet8"), set = shapesSet({ trainCount: 20, validationCount: 10 });
  const { tensors, normalisation } = await fit({ model, backend, set, epochs: 1, batch: 20 });
  const info = { model: { name: "resnet8" }, classes: set.classes, normalisation };
  const read = (bytes: Uint8Array) =>
    fromBinary(ONNX_SCHEMA.getMessage("onnx.ModelProto") as DescMessage, bytes) as unknown as Model;
  const types = ({ graph }: Model) => graph.node.map(({ opType }) => opType);
  const known = read(await exportOnnx({ tensors, info }, { normalise: true }));
  assertEquals(known.producerName, "Residua");
  assertEquals(Object.fromEntries(known.metadataProps.map(({ key, value }) => [key, value])), {
    model: "resnet8",
    classes: JSON.stringify(set.classes),
    normalisation: JSON.stringify({ ...normalisation, builtIn: true }),
  });
  assertEquals(types(known).slice(0, 3), ["Sub", "Div", "Conv"]);
  const bare = types(read(await exportOnnx({ tensors }, { model, fold: false })));
  assertEquals([bare[0], bare[1]], ["Conv", "BatchNormalization"]);
  const fails = (options: Parameters<typeof exportOnnx>[1], text: string) =>
    assertRejects(() => exportOnnx({ tensors, source: "a.safetensors" }, options), UsageError, text);
  await fails({}, "a.safetensors does not say which network it is of; give `model`");
  await fails(
    { model, normalise: true },
    "a.safetensors does not say how its images are normalised; give `normalisation`",
  );
  await assertRejects(() => exportOnnx({ tensors: new Map(), info }), DataError);
});
