import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../core/mod.ts";
import { IMAGENET_CLASSES, IMAGENET_NORMALISATION } from "../data/mod.ts";
import golden from "../tests/golden/published.json" with { type: "json" };
import { decodePublished, PUBLISHED_ADDRESS, PUBLISHED_MODELS, publishedWeights } from "./published.ts";

Deno.test("publishedWeights() knows torchvision's tables: addresses, hashes, defaults and resizing", () => {
  for (const row of golden.weights) {
    const found = publishedWeights(`torchvision:${row.model}.${row.weights}`)!;
    assertEquals(`${PUBLISHED_ADDRESS}/${found.file}`, row.url);
    assertMatch(row.url, new RegExp(`-${found.hash}\\.pth$`));
    assertEquals([found.model, found.resize, row.crop, row.interpolation], [row.model, row.resize, 224, "bilinear"]);
    assertEquals({ mean: row.mean, std: row.std }, IMAGENET_NORMALISATION);
    assertEquals(publishedWeights(`torchvision:${row.weights}`, row.model), found);
    assertEquals(publishedWeights(found.name), found);
    if (!row.default) continue;
    for (const name of ["imagenet", "torchvision:DEFAULT"]) assertEquals(publishedWeights(name, row.model), found);
    assertEquals(publishedWeights(`torchvision:${row.model}`), found);
    assertEquals(publishedWeights(`torchvision:${row.model}.DEFAULT`, row.model), found);
  }
  assertEquals(PUBLISHED_MODELS, [...new Set(golden.weights.map(({ model }) => model))]);
});

Deno.test("publishedWeights() takes other files by the hash in their name, and leaves paths alone", () => {
  for (const name of ["torchvision:resnet34-01234abc", "torchvision:resnet34-01234abc.pth"]) {
    const { file, hash, model } = publishedWeights(name)!;
    assertEquals([file, hash, model], ["resnet34-01234abc.pth", "01234abc", "resnet34"]);
  }
  for (const path of ["resnet18.pth", "runs/imagenet", "./imagenet", "resnet18-f37072fd.pth"]) {
    assertEquals(publishedWeights(path, "resnet18"), undefined);
  }
});

Deno.test("publishedWeights() says what there is instead", () => {
  const refuses = (name: string, model: string | undefined, message: string) =>
    assertThrows(() => publishedWeights(name, model), UsageError, message);
  refuses("imagenet", undefined, "does not say of which network");
  refuses("torchvision:IMAGENET1K_V1", undefined, "does not say of which network");
  refuses("imagenet", "resnet20", "no weights of resnet20 are published, but those of resnet18, resnet34");
  refuses("torchvision:resnet51", undefined, "did you mean resnet50?");
  refuses("torchvision:resnet18.IMAGENET1K_V2", undefined, "there is torchvision:resnet18.IMAGENET1K_V1");
  refuses("torchvision:resnet50.IMAGENET1K_V3", undefined, "V1 and torchvision:resnet50.IMAGENET1K_V2");
  refuses("torchvision:resnet50", "resnet18", "has the weights of resnet50, which do not fit resnet18");
  for (
    const name of ["torchvision:", "torchvision:.IMAGENET1K_V1", "torchvision:resnet18/../../x", "torchvision:a b"]
  ) {
    refuses(name, undefined, "torchvision:NETWORK");
  }
});

Deno.test("decodePublished() refuses bytes of another hash", async () => {
  const weights = publishedWeights("torchvision:resnet18")!;
  await assertRejects(
    () => decodePublished(weights, Uint8Array.of(97, 98, 99), "cut.pth"),
    DataError,
    "cut.pth: the SHA-256 of resnet18-f37072fd.pth begins with f37072fd, but that of these 3 bytes with ba7816bf",
  );
});

Deno.test("IMAGENET_CLASSES are torchvision's", () => assertEquals(IMAGENET_CLASSES, golden.classes));
