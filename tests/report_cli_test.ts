/** Reports of runs: their figures are those of `eval`, their options have sources, and names of strangers stay text. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom";
import sharp from "../images/sharp.ts";
import { decodeCheckpoint } from "../weights/mod.ts";
import { BrowserPage, browserTest } from "./_chromium.ts";
import { withFolder } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

const RUN = ["--model", "resnet8", "--batch", "8", "--size", "24", "--backend", "cpu", "--threads", "1"];
const QUIET = ["--no-progress", "--workers", "0"];

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runInProcess(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Names of classes that would do something in HTML or Markdown. */
const EVIL = ["<img src=x onerror=alert(1)>", "a|b`c_*d* [e](x) &amp; \x1b[31m\u202e", "'\"><script>alert(1)<"];

/** Images of noise, so that about two of three are mistaken. */
async function writeNoise(data: string, count: number): Promise<void> {
  for (const [k, name] of EVIL.entries()) {
    for (const split of ["train", "val"]) {
      await Deno.mkdir(`${data}/${split}/${name}`, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: 3 * 24 * 24 }, (_, p) => ((p + 7) * 7919 * (k + 3 * i + 1)) >> 3);
        await sharp(pixels, { raw: { width: 24, height: 24, channels: 3 } }).png()
          .toFile(`${data}/${split}/${name}/<b>${i}.png`);
      }
    }
  }
}

interface Element {
  readonly textContent: string;
  readonly outerHTML: string;
  readonly attributes: ArrayLike<{ readonly name: string; readonly value: string }>;
  querySelectorAll(selector: string): ArrayLike<Element>;
}

function parse(html: string): Element {
  return (parseHTML(html) as unknown as { readonly document: Element }).document;
}

function all(element: Element, selector: string): Element[] {
  return Array.from(element.querySelectorAll(selector));
}

/** The texts of the table under a heading. */
function tableUnder(page: Element, heading: string): string[][] {
  const section = all(page, "section").find((one) => all(one, "h2")[0].textContent === heading)!;
  return all(all(section, "table")[0], "tbody tr").map((row) => all(row, "td").map(({ textContent }) => textContent));
}

/** Control characters but line feeds, and one that turns the direction of reading. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u202e]/;

const shown = (name: string) => name.replaceAll("\x1b", "\ufffd").replaceAll("\u202e", "\ufffd");

Deno.test("report has eval's figures of each class, pictures of the mistakes, and names of strangers as text", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, run = `${folder}/run`;
    await writeNoise(data, 8);
    await succeed("train", "--data", data, ...RUN, ...QUIET, "--epochs", "2", "--augment", "none", "--out", run);
    assertStringIncludes(await succeed("report", run), "report.html, report.md");
    const text = await Deno.readTextFile(`${run}/report.html`), page = parse(text);
    assertEquals(all(page, "script, link, iframe, object, embed, base").map(({ outerHTML }) => outerHTML), []);
    assert(!CONTROLS.test(text), "a control character");
    assertEquals((text.match(/<img /g) ?? []).length, (text.match(/<img src="data:image\/webp;base64,/g) ?? []).length);
    const attributes = all(page, "*").flatMap(({ attributes }) => Array.from(attributes));
    const active = attributes.filter(({ name, value }) =>
      /^on|href/.test(name) || (name === "src" && !value.startsWith("data:image/webp;base64,"))
    );
    assertEquals(active.map(({ name, value }) => `${name}=${value}`), []);
    // The same figures by another way: the images again, through the network again.
    const { classes, top1, confusion } = JSON.parse(
      await succeed("eval", "--checkpoint", run, "--json", "--split", "val", "--workers", "0", "--backend", "cpu"),
    );
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    const rows = classes.map((
      { name, images, predicted, precision, recall, f1 }: Record<string, number> & { name: string },
    ) => [shown(name), `${images}`, predicted === 0 ? "-" : percent(precision), percent(recall), percent(f1)]);
    const found = tableUnder(page, "Classes, the worst first");
    assertEquals(found.toSorted(), rows.toSorted());
    assertEquals(
      found.map((row) => parseFloat(row[4])),
      rows.map((row: string[]) => parseFloat(row[4])).toSorted((a: number, b: number) => a - b),
    );
    assertStringIncludes(all(page, "body")[0].textContent, `${(100 * top1).toFixed(2)} % (epoch `);
    const pairs = confusion.flatMap((row: number[], label: number) =>
      row.map((images, predicted) => [label, predicted, images]).filter(([a, b, images]) => a !== b && images > 0)
    ).sort((a: number[], b: number[]) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
    const names = classes.map(({ name }: { name: string }) => shown(name));
    assertEquals(
      tableUnder(page, "Mistaken most often"),
      pairs.map(([label, predicted, images]: number[]) => [names[label], names[predicted], `${images}`, "8"]),
    );
    const wrong = pairs.reduce((sum: number, [, , images]: number[]) => sum + images, 0), figures = all(page, "figure");
    assert(wrong > 3, `${wrong} mistakes`);
    assertEquals([figures.length, all(page, "figure img").length], [wrong, wrong]);
    const sure = figures.map(({ textContent }) => parseFloat(/, (\d+) % sure/.exec(textContent)![1]));
    assertEquals(sure, sure.toSorted((a, b) => b - a));
    for (const { textContent } of figures) assertMatch(textContent, /val\/.*<b>\d\.png$/);

    const markdown = await Deno.readTextFile(`${run}/report.md`);
    assert(
      !CONTROLS.test(markdown) &&
        !/<(?!\/?b>)|<script|\]\(/i.test(markdown.replaceAll("\\]", "")),
      markdown,
    );
    assertStringIncludes(markdown, "| a\\|b\\`c\\_\\*d\\* \\[e\\](x) &amp;amp; \ufffd\\[31m\ufffd | 8 |");
    const tables = markdown.split("\n").filter((line) => line.startsWith("|"));
    for (const line of tables) assertEquals(line.replaceAll("\\|", "").split("|").length >= 5, true, line);
  }));

browserTest(
  "a report shows its images, fits a phone, is dark where that is wanted, and asks for nothing",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, run = `${folder}/run`;
      await writeNoise(data, 8);
      await succeed("train", "--data", data, ...RUN, ...QUIET, "--epochs", "1", "--augment", "none", "--out", run);
      await succeed("report", run);
      await using page = await BrowserPage.open(`file://${run}/report.html`);
      const images = await page.value<number[]>(`[...document.images].map(({ naturalWidth }) => naturalWidth)`);
      assert(images.length > 3 && images.every((width) => width > 0), `${images}`);
      assertEquals(
        await page.value(
          "performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith('data:')).length",
        ),
        0,
      );
      assertEquals(await page.value("document.querySelectorAll('.plots > svg').length"), 2);
      const background = () => page.value<string>("getComputedStyle(document.body).backgroundColor");
      assertEquals(await background(), "rgb(255, 255, 255)");
      await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
      assertEquals(await background(), "rgb(18, 22, 28)");
      for (const width of [360, 768, 1600]) {
        const metrics = { width, height: 800, deviceScaleFactor: 1, mobile: true };
        await page.send("Emulation.setDeviceMetricsOverride", metrics);
        assert(await page.value<number>("document.documentElement.scrollWidth") <= width, `wider than ${width}`);
      }
    }),
);

Deno.test("report tells where each option comes from: command line, recipe, default, or train's own choice", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, run = `${folder}/run`;
    await writeImages(`${data}/train`, 8);
    await writeImages(`${data}/val`, 3);
    const start = ["train", "--data", data, ...RUN, ...QUIET, "--recipe", "he2015-cifar", "--steps", "3"];
    await succeed(...start, "--epochs", "2", "--lr", "0.01", "--out", run);
    await succeed("train", "--resume", run, "--steps", "6", "--keep", "1", ...QUIET);
    assertEquals(JSON.parse(await Deno.readTextFile(`${run}/config.json`)).given.includes("resume"), false);
    await succeed("report", run, "--out", `${folder}/there`, "--no-images");
    const page = parse(await Deno.readTextFile(`${folder}/there/report.html`));
    assertEquals(all(page, "figure img").length, 0);
    const options = new Map(
      all(page, "section").flatMap((section) =>
        all(section, "tbody tr").map((row) => all(row, "td").map(({ textContent }) => textContent))
      ).filter(([name]) => name.startsWith("--")).map(([name, value, source]) => [name, [value, source]]),
    );
    const of = (name: string) => options.get(name)?.join(" ← ");
    assertEquals(of("--lr"), "0.01 ← command line");
    assertEquals(of("--keep"), "1 ← command line");
    assertEquals(of("--steps"), "6 ← command line");
    assertEquals(of("--seed"), "0 ← default");
    assertEquals(
      of("--milestones")?.startsWith("32000,48000 ← he2015-cifar: He et al. 2015"),
      true,
      of("--milestones"),
    );
    assertEquals(of("--accumulate"), "1 ← chosen by train");
  }));

Deno.test("compare shows the best figures of runs, and the options in which they differ", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, runs = [`${folder}/one`, `${folder}/two`];
    await writeImages(`${data}/train`, 8);
    await writeImages(`${data}/val`, 3);
    for (const [k, run] of runs.entries()) {
      await succeed(
        "train",
        "--data",
        data,
        ...RUN,
        ...QUIET,
        "--epochs",
        `${k + 1}`,
        "--lr",
        "0.02",
        "--warmup",
        "0",
        "--out",
        run,
      );
    }
    const found = JSON.parse(await succeed("compare", ...runs, "--json"));
    assertEquals(found.options, [{ name: "--epochs", values: ["1", "2"] }]);
    for (const [k, { run, epochs, best, imagesPerSecond }] of found.runs.entries()) {
      assertEquals([run, epochs], [runs[k], k + 1]);
      const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trim().split("\n").map((line) =>
        JSON.parse(line)
      );
      assertEquals(best, lines.find((line) => line.kind === "epoch" && line.epoch === best.epoch));
      assertEquals(best.epoch, JSON.parse(await Deno.readTextFile(`${run}/validation.json`)).epoch);
      const rates = lines.filter(({ kind }) => kind === "step").map((line) => line.imagesPerSecond);
      assertEquals(rates.filter((rate) => rate <= imagesPerSecond).length, (rates.length >> 1) + 1);
    }
    const text = await succeed("compare", ...runs);
    assertMatch(text, /^# {2}run +val acc {2}val loss {2}best epoch {2}images\/s {2}time\n1 {2}.*one {2}.* % .* 1\/1 /);
    assertMatch(text, /\n\noption +1 +2\n--epochs {2}1 {2}2\n$/);
    // A run of a version before has no answers: its best epoch is that of the highest accuracy.
    await Deno.remove(`${runs[1]}/validation.json`);
    assertEquals(JSON.parse(await succeed("compare", ...runs, "--json")).runs[1].epochs, 2);
    const { code, stderr } = await runInProcess(["compare", runs[0]]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Expected from 2 to 20 run folders");
  }));

Deno.test("report says what is missing of a run, and refuses what is none", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, run = `${folder}/run`;
    await writeNoise(data, 8);
    await succeed("train", "--data", data, ...RUN, ...QUIET, "--epochs", "1", "--out", run);
    const report = async (...args: string[]) => {
      const { code, stderr } = await runInProcess(["report", run, ...args]);
      return { code, stderr, page: await Deno.readTextFile(`${run}/report.html`) };
    };
    // An image that is another by now has no picture; so have none where the data are gone, unless they are elsewhere.
    await Deno.rename(data, `${folder}/moved`);
    const gone = await report();
    assertEquals(gone.code, 0);
    assertMatch(gone.stderr, /^note: The images of mistakes could not be read: .*data.*\n$/);
    assert(!gone.page.includes("data:image/"));
    const moved = await report("--data", `${folder}/moved`);
    assertEquals([moved.stderr, moved.page.includes("data:image/webp")], ["", true]);
    await Deno.rename(`${folder}/moved/val`, `${folder}/before`);
    await writeNoise(`${folder}/moved`, 5);
    assertStringIncludes(
      (await report("--data", `${folder}/moved`)).stderr,
      "another now than when the run was trained",
    );

    await Deno.remove(`${run}/validation.json`);
    assertStringIncludes((await report()).stderr, "There is no validation.json");
    await Deno.remove(`${run}/metrics.jsonl`);
    const empty = await report();
    assertStringIncludes(empty.stderr, "No epoch has ended yet");
    assertStringIncludes(empty.page, "--model");
    await Deno.writeTextFile(`${run}/validation.json`, "{}");
    const broken = await report();
    assertEquals(broken.code, 1);
    assertStringIncludes(broken.stderr, "validation.json: validation is missing");

    const refused = async (code: number, told: string, ...args: string[]) => {
      const outcome = await runInProcess(["report", ...args]);
      assertEquals(outcome.code, code, outcome.stderr);
      assertMatch(outcome.stderr, /^error: [^\n]+\n$/);
      assertStringIncludes(outcome.stderr, told);
    };
    await refused(2, "Expected one run folder");
    await refused(2, "but 2 came", run, run);
    await refused(2, "there is none", `${folder}/nothing`);
    await refused(2, "holds no config.json", data.replace("data", "moved"));
    await refused(2, "--no-images reads none", run, "--no-images", "--data", data);
    await Deno.writeTextFile(`${run}/config.json`, '{"model_type":"resnet"}');
    await refused(1, "expected a model and data in it", run);
  }));

Deno.test("export --card writes what the run knows beside the file, and leaves open what nobody but its author knows", () =>
  withFolder(async (folder) => {
    const data = `${folder}/my_photos`, run = `${folder}/run`, card = `${folder}/out/model_card.md`;
    await writeImages(`${data}/train`, 8);
    await writeImages(`${data}/val`, 3);
    await succeed("train", "--data", data, ...RUN, ...QUIET, "--epochs", "1", "--out", run);
    const printed = await succeed("export", "--checkpoint", run, "--out", `${folder}/out/net.onnx`, "--card");
    assertStringIncludes(printed, "model_card.md");
    const text = await Deno.readTextFile(card);
    const { top1 } = JSON.parse(
      await succeed("eval", "--checkpoint", run, "--json", "--workers", "0", "--backend", "cpu"),
    );
    const { tensors: weights } = decodeCheckpoint(await Deno.readFile(`${run}/best.safetensors`), "best");
    const parameters = [...weights].filter(([name]) => !name.includes("running_"))
      .reduce((sum, [, { data }]) => sum + data.length, 0);
    for (
      const part of [
        "# resnet8, trained on my\\_photos\n",
        "- file: net.onnx\n",
        "- input: images of 3x24x24 (channels, height, width)",
        "Classes, in their order: amber, green, violet.",
        "- licence: *to be filled in*",
        `- validation accuracy: ${(100 * top1).toFixed(2)} %`,
        `- parameters: ${parameters}`,
        "| --epochs | 1 | command line |",
      ]
    ) assertStringIncludes(text, part);
    assert(!text.includes(folder), "a path of this machine");
    // Figures are of the best checkpoint; of another file nothing is known.
    await succeed("export", "--checkpoint", `${run}/last.safetensors`, "--out", `${folder}/out/net.onnx`, "--card");
    const last = await Deno.readTextFile(card);
    assert(
      last.includes("None is known") && last.includes("amber, green") && !last.includes("validation accuracy"),
      last,
    );
    // As Hugging Face's folders have one, a config.json that is no run's.
    const bare = `${folder}/bare`;
    await Deno.mkdir(bare);
    await Deno.copyFile(`${run}/best.safetensors`, `${bare}/best.safetensors`);
    await Deno.writeTextFile(`${bare}/config.json`, '{"model_type":"resnet"}');
    await succeed("export", "--checkpoint", `${bare}/best.safetensors`, "--out", `${folder}/out/net.onnx`, "--card");
    assertStringIncludes(await Deno.readTextFile(card), "None is known");
  }));

Deno.test("lr-find suggests a rate for the network and the batch that train would choose, and draws the losses", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, out = `${folder}/drawn/rates.svg`;
    await writeImages(data, 20);
    const base = ["lr-find", "--data", data, ...RUN, "--workers", "0", "--augment", "none", "--steps", "40"];
    const { points, suggested, least } = JSON.parse(await succeed(...base, "--json"));
    assertEquals(points[0].rate.toPrecision(6), "0.0000100000");
    assert(points.length > 20 && suggested > 1e-4 && suggested < least && least < 10, `${suggested} ${least}`);
    const text = await succeed(...base, "--out", out);
    assertStringIncludes(text, "resnet8 on ");
    assertStringIncludes(text, `Try --lr ${Number(suggested.toPrecision(2))}, with the same --batch`);
    assertStringIncludes(text, "● ".trim());
    const svg = await Deno.readTextFile(out);
    for (const part of ["learning rate", "smoothed", `suggested, ${Number(suggested.toPrecision(2))}`]) {
      assertStringIncludes(svg, part);
    }
    assert(!svg.includes("NaN"));
    for (
      const [told, ...args] of [
        ["expected the name of an SVG file", "--out", "rates.png"],
        ["Unknown option --lr", "--lr", "1"],
        ["the first below the last, but `--from 1`".replaceAll("`", ""), "--from", "1", "--to", "0.1"],
      ]
    ) {
      const { code, stderr } = await runInProcess([...base, ...args]);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, told);
    }
  }));
