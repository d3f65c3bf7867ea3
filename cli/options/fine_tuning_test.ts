import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { randomSet } from "../../tests/_runs.ts";
import { expectChannels, fineTuning, isPublished, withPublishedModel } from "./fine_tuning.ts";
import type { GivenOptions } from "./option.ts";
import { resolveOptions } from "./parse_options.ts";
import { TRAIN_OPTIONS } from "./train_options.ts";

const HEAD = { names: ["fc.weight", "fc.bias"], classes: 1000 };

function resolved(given: GivenOptions) {
  return withPublishedModel(resolveOptions(TRAIN_OPTIONS, given), given);
}

Deno.test("fineTuning() trains a new head of published weights first, at a tenth of the rate, unless told otherwise", () => {
  const init = "torchvision:resnet18", random = { rate: 0.1, headEpochs: 0 };
  assertEquals(fineTuning(resolved({ init }), 6, HEAD), { rate: 0.01, headEpochs: 1 });
  // A head for the same classes is not new, and an only epoch must train all.
  assertEquals(fineTuning(resolved({ init }), 6, undefined), { rate: 0.01, headEpochs: 0 });
  assertEquals(fineTuning(resolved({ init }), 1, HEAD), { rate: 0.01, headEpochs: 0 });
  const given = resolved({ init, lr: "0.3", "head-epochs": "4" });
  assertEquals(fineTuning(given, 1, undefined), { rate: 0.3, headEpochs: 4 });
  assertEquals(fineTuning(resolved({ init: "resnet18.pth" }), 6, HEAD), random);
  assertEquals(fineTuning(resolved({}), 6, undefined), random);
});

Deno.test("withPublishedModel() takes the network of a name where none was asked for", () => {
  const modelOf = (given: GivenOptions) => resolved(given).model;
  assertEquals(modelOf({ init: "torchvision:resnet34.IMAGENET1K_V1" }), "resnet34");
  assertEquals(modelOf({ init: "torchvision:mobilenet_v2-01234567" }), "mobilenet_v2");
  assertEquals(modelOf({ init: "imagenet", model: "resnet50" }), "resnet50");
  assertEquals(modelOf({ init: "runs/first" }), "resnet20");
  assertEquals([isPublished(resolved({ init: "imagenet", model: "resnet50" })), isPublished(resolved({}))], [
    true,
    false,
  ]);
  const refuses = (given: GivenOptions, message: string) => assertThrows(() => resolved(given), UsageError, message);
  refuses({ init: "imagenet" }, "no weights of resnet20 are published");
  refuses(
    { init: "torchvision:resnet34", model: "resnet18" },
    "has the weights of resnet34, which do not fit resnet18",
  );
  refuses({ init: "torchvision:resnet34", normalise: "pixel" }, "--normalise: torchvision:resnet34 brings ImageNet's");
});

Deno.test("expectChannels() refuses weights of colour images for grey ones", () => {
  const set: ImageSet = { ...randomSet(3), name: "grey", shape: [1, 9, 9] }, tensors = new Map();
  const normalisation = { mean: [0, 0, 0], std: [1, 1, 1] },
    info = { model: { name: "a" }, classes: [], normalisation };
  assertThrows(
    () => expectChannels({ tensors, info, source: "imagenet" }, set),
    UsageError,
    "--init: imagenet is for images of 3 channels, but grey has images of 1",
  );
  expectChannels({ tensors, source: "bare.pth" }, set);
  expectChannels({ tensors, info, source: "imagenet" }, randomSet(3));
});
