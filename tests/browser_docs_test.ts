/** `docs/browser.md`: its programs run on pages, by the module of `deno task build:browser`, and its sizes are right. */

import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { encodeCheckpoint, fit, loadModel, modelByName, openBackend, shapesSet } from "../mod.ts";
import { decodeImage } from "../images/mod.ts";
import sharp from "../images/sharp.ts";
import { Random } from "../core/mod.ts";
import { testWhole } from "./_all.ts";
import { bundle, sizeText } from "../tools/_bundle.ts";
import { buildDemo, ISOLATION } from "../tools/_demo_files.ts";
import { BrowserPage, browserTest, NO_WEBGPU, serveLocal } from "./_chromium.ts";
import { withFolder } from "./_cli.ts";
import { runProgram } from "./_launcher.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const docs = await Deno.readTextFile(`${root}docs/browser.md`);
/** The version that was tried. */
const ESBUILD = "esbuild@0.28.1";
const blocks = (language: string) =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code);

let built: Promise<string> | undefined;
const library = () => built ??= bundle(`${root}tools/browser_entry.ts`);

Deno.test("the module for pages has every name of its entries", async () => {
  const entry = await import("../tools/browser_entry.ts"), names = new Set<string>();
  for (const path of ["../mod.ts", "../data/mod.ts", "../inference/mod.ts", "../train/mod.ts", "../weights/mod.ts"]) {
    Object.keys(await import(path)).forEach((name) => names.add(name));
  }
  assertEquals(Object.keys(entry).sort(), [...names].sort());
});

Deno.test("the settings of TypeScript in docs/browser.md are those that deno task check takes", async () => {
  const [{ compilerOptions }] = blocks("json").map((text) => JSON.parse(text));
  const { lib, target, module, moduleResolution, types, ...flags } = compilerOptions;
  const tool = await Deno.readTextFile(`${root}tools/types.ts`);
  const libraries = /^ {2}lib: (\[.*\]),$/m.exec(tool)![1];
  assertEquals(lib.map((name: string) => `lib.${name}.d.ts`), JSON.parse(libraries));
  assertEquals(types, ["@webgpu/types"]);
  for (const [name, value] of Object.entries(flags)) assertMatch(tool, new RegExp(`^ {2}${name}: ${value},$`, "m"));
  const chosen = { ScriptTarget: target, ModuleKind: module, ModuleResolutionKind: moduleResolution };
  for (const [name, value] of Object.entries(chosen)) {
    assertMatch(tool, new RegExp(`: ts\\.${name}\\.${value},$`, "mi"));
  }
});

Deno.test("the sizes in docs/browser.md are those of what is built, to a twentieth", async () => {
  const said = [...docs.matchAll(/(\d+) kB[^]*?(\d+) kB,? gzipped/g)].map(([, ...sizes]) => sizes.map(Number));
  const demo = [...(await buildDemo()).values()];
  const sizesOf = async (texts: readonly string[]) =>
    (await Promise.all(texts.map(sizeText))).map((text) => text.match(/\d+/g)!.map(Number))
      .reduce(([raw, packed], [more, morePacked]) => [raw + more, packed + morePacked]);
  const right = [await sizesOf([await library()]), await sizesOf(demo)];
  assertEquals(said.length, right.length);
  right.flat().forEach((size, k) => assertAlmostEquals(said.flat()[k], size, size / 20));
});

testWhole(
  "the commands of docs/browser.md that bundle make what runs in Deno and in Node",
  () =>
    withFolder(async (folder) => {
      const [commands] = /^(?: {4}.*\n)+/m.exec(docs)!, [program] = blocks("ts");
      const [own, other, ...rest] = commands.replace(/\\\n/g, "").trim().split("\n").map((line) =>
        line.trim().split(/\s+/)
      );
      assertEquals([own.slice(0, 2), other.slice(0, 2), rest], [["deno", "bundle"], ["npx", "esbuild"], []]);
      await Deno.writeTextFile(`${folder}/main.ts`, program);
      await Deno.symlink(root, `${folder}/residua`);
      const imports = { "@residua/residua": "./residua/mod.ts" };
      await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
      await runIn(folder, Deno.execPath(), own.slice(1));
      const said = /CPU, WebAssembly.* 3$/;
      assertMatch(await runIn(folder, Deno.execPath(), ["run", "--no-config", "page.js"]), said);
      // Symbolic links would lead it out of the folder, where it looks for packages.
      await runIn(folder, "npx", ["-y", ESBUILD, "--preserve-symlinks", ...other.slice(2)]);
      assertMatch(await runIn(folder, "node", ["main.mjs"]), said);
    }),
);

/** What a program prints, which must end well. */
async function runIn(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, { cwd });
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Opens a page of these files on a browser without WebGPU. */
async function withPage(
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
  run: (page: BrowserPage) => Promise<void>,
) {
  const types: Readonly<Record<string, string>> = { js: "text/javascript", html: "text/html" };
  await using server = serveLocal(({ url }) => {
    const name = new URL(url).pathname.slice(1) || "index.html", type = types[name.split(".")[1]];
    return new Response(files[name] ?? "", {
      headers: { "content-type": type ?? "application/octet-stream", ...ISOLATION },
    });
  });
  await using page = await BrowserPage.open(server.url, NO_WEBGPU);
  await run(page);
}

/** A noisy image of odd sides. */
function noise(channels: 3 | 4) {
  const random = new Random(5), width = 71, height = 53;
  const pixels = Uint8Array.from({ length: width * height * channels }, () => random.integer(256));
  return sharp(pixels, { raw: { width, height, channels } });
}

browserTest(
  "the page of docs/browser.md classifies a photo by saved weights as the library does here",
  () =>
    withFolder(async (folder) => {
      const [html, ...others] = blocks("html");
      assertEquals(others, []);
      using backend = await openBackend("cpu");
      const set = shapesSet({ trainCount: 64, validationCount: 8 }), model = modelByName("resnet8");
      const trained = await fit({ model, backend, set, epochs: 1, batch: 16 });
      const info = { model: { name: "resnet8" }, classes: set.classes, normalisation: trained.normalisation };
      const weights = encodeCheckpoint(trained.tensors, info);
      using here = await loadModel(weights, { backend });
      const file = await noise(3).png().toBuffer();
      await Deno.writeFile(`${folder}/photo.png`, file);
      const [{ top: [best] }] = await here.predict(await decodeImage(file, "photo.png"));
      await withPage(
        { "index.html": html, "residua.js": await library(), "residua.safetensors": weights },
        async (page) => {
          await page.until(`document.querySelector("input").onchange`);
          await page.choose("input", [`${folder}/photo.png`]);
          await page.until(`document.querySelector("output").value`);
          assertEquals(await page.text("output"), `${best.label}, ${(100 * best.probability).toFixed(1)} %`);
        },
      );
    }),
);

browserTest("decodeBlob() gives the pixels of decodeImage(): transparent, turned by EXIF, of JPEG nearly", async () => {
  const upright = await sharp(new Uint8Array(48 * 32 * 3).map((_, i) => (i * 5) % 199), {
    raw: { width: 48, height: 32, channels: 3 },
  })
    .blur(2).toBuffer({ resolveWithObject: true });
  const smooth = () => sharp(upright.data, { raw: { width: 48, height: 32, channels: 3 } });
  const images = [
    { name: "clear.png", file: await noise(4).png().toBuffer(), most: 1 },
    { name: "plain.png", file: await noise(3).png().toBuffer(), most: 0 },
    { name: "grey.png", file: await noise(3).greyscale().png().toBuffer(), most: 0 },
    {
      name: "turned.jpg",
      file: await smooth().withMetadata({ orientation: 6 }).jpeg({ chromaSubsampling: "4:4:4" }).toBuffer(),
      most: 4,
    },
  ];
  await withPage({ "index.html": "<!doctype html>", "residua.js": await library() }, async (page) => {
    const decode = (file: Uint8Array, name: string) =>
      page.value<{ width: number; height: number; pixels: number[] }>(`import("/residua.js").then(async (residua) => {
        const file = new File([Uint8Array.fromBase64("${file.toBase64()}")], "${name}");
        const { width, height, pixels } = await residua.decodeBlob(file);
        return { width, height, pixels: [...pixels] };
      })`);
    for (const { name, file, most } of images) {
      const here = await decodeImage(file, name), there = await decode(file, name);
      assertEquals([there.width, there.height], [here.width, here.height], name);
      const differences = here.pixels.map((byte, i) => Math.abs(byte - there.pixels[i]));
      assert(Math.max(...differences) <= most, `${name}: pixels differ by up to ${Math.max(...differences)}`);
    }
    const said = await decode(images[1].file.subarray(0, 60), "half.png").then(() => "", (error) => error.message);
    assertMatch(said, /^DataError: half\.png: this browser cannot decode the file as an image; give a PNG/);
  });
});

browserTest("the program of docs/browser.md that trains runs on a page", () =>
  withFolder(async (folder) => {
    const [program, ...others] = blocks("ts").filter((code) => code.includes("trainOn"));
    assertEquals(others, []);
    const shorter = program.replace("suggestTraining(count)", "suggestTraining(count, { epochs: 2 })");
    assert(shorter !== program);
    await Deno.writeTextFile(`${folder}/main.ts`, `${shorter}\nObject.assign(globalThis, { trainOn });`);
    const html = '<!doctype html><script type="module" src="main.js"></script>';
    await withPage({ "index.html": html, "main.js": await bundle(`${folder}/main.ts`) }, async (page) => {
      await page.until(`"trainOn" in globalThis`);
      const { done, file } = await page.value<{ done: number[]; file: number[] }>(`(async () => {
        const photo = async (colour, side) => {
          const canvas = new OffscreenCanvas(side, 80), context = canvas.getContext("2d");
          context.fillStyle = colour;
          context.fillRect(0, 0, side, 60);
          return new File([await canvas.convertToBlob()], "photo.png");
        };
        const photos = (colour) => Promise.all([70, 80, 90, 100, 110].map((side) => photo(colour, side)));
        const done = [];
        const classes = new Map([["red", await photos("#c22")], ["blue", await photos("#22c")]]);
        const file = await trainOn(classes, (epoch, accuracy) => done.push(epoch, accuracy));
        return { done, file: [...file] };
      })()`);
      assertEquals(done.filter((_, k) => k % 2 === 0), [1, 2]);
      using model = await loadModel(Uint8Array.from(file), { backend: "cpu" });
      assertEquals([model.classes, model.inputShape], [["red", "blue"], [3, 64, 64]]);
    });
  }));
