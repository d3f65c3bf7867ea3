import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { randomSet } from "../../tests/_runs.ts";
import { chooseValues } from "./chosen_values.ts";
import { chooseHeadEpochs, expectChannels, isPublished, withPublishedModel } from "./fine_tuning.ts";
import type { GivenOptions } from "./option.ts";
import { resolveOptions } from "./parse_options.ts";
import { TRAIN_OPTIONS } from "./train_options.ts";

function resolved(given: GivenOptions) {
  return withPublishedModel(resolveOptions(TRAIN_OPTIONS, given), given);
}

async function tuned(given: GivenOptions, isNew = false) {
  const { values } = await chooseValues(
    resolved({ data: "photos", ...given }),
    new Set(Object.keys(given)),
    randomSet(64),
  );
  return { lr: values.lr, epochs: values.epochs, head: chooseHeadEpochs(values, isNew) };
}

Deno.test("published weights have a tenth of the rate, few epochs, and a new head that is trained first", async () => {
  const init = "torchvision:resnet18", random = { lr: 0.05, epochs: 120, head: 0 };
  assertEquals(await tuned({ init }, true), { lr: 0.01, epochs: 15, head: 1 });
  // A head for the same classes is not new, and an only epoch must train all.
  assertEquals((await tuned({ init })).head, 0);
  assertEquals((await tuned({ init, epochs: "1" }, true)).head, 0);
  const given = { init, lr: "0.3", epochs: "3", "head-epochs": "4" };
  assertEquals(await tuned(given), { lr: 0.3, epochs: 3, head: 4 });
  assertEquals(await tuned({ init: "resnet18.pth" }, true), random);
  assertEquals(await tuned({}), random);
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
  assertEquals(modelOf({ init: "imagenet" }), "resnet18");
  refuses({ init: "imagenet", model: "resnet20" }, "no weights of resnet20 are published");
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
