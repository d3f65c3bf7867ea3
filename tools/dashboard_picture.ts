/**
 * `deno task picture:dashboard`: the README's picture of the dashboard, `docs/pictures/dashboard.png`. Trains three networks on
 * the built-in shapes, the last of which still goes on when the page is looked at in headless Chromium.
 */

import { fileURLToPath } from "node:url";
import sharp from "../images/sharp.ts";
import { BrowserPage } from "../tests/_chromium.ts";
import { runCli, startCli } from "../tests/_cli.ts";

const root = fileURLToPath(new URL("..", import.meta.url)), folder = `${root}docs/pictures`;
const TRAIN = ["train", "--backend", "cpu", "--no-progress", "--model"];
/** The size of the window, in pixels of the page; each is two by two of the picture's. */
const SIZE = { width: 1100, height: 700 };

const parent = await Deno.makeTempDir(), runs = `${parent}/runs`;
try {
  const finished = [["resnet8", "--epochs", "6"], ["resnet8", "--epochs", "6", "--lr", "0.02"]];
  for (const [k, options] of finished.entries()) {
    console.log(`training ${options.join(" ")}`);
    const { code, stderr } = await runCli([...TRAIN, ...options, "--out", `${runs}/${["first", "slower"][k]}`]);
    if (code !== 0) throw new Error(stderr);
  }
  await using live = startCli([...TRAIN, "resnet14", "--epochs", "12", "--out", `${runs}/deeper`]);
  await live.line(/^\s*4\/12 /);
  await using server = startCli(["dashboard", runs, "--port", "0"]);
  const [, url] = await server.line(/^Showing them at (\S+);/);
  await using page = await BrowserPage.open(url);
  await page.send("Emulation.setDeviceMetricsOverride", { ...SIZE, deviceScaleFactor: 2, mobile: false });
  await page.send("Emulation.setScrollbarsHidden", { hidden: true });
  await page.until(`document.querySelectorAll("#runs tbody tr").length === 3`);
  await page.value(`for (const box of document.querySelectorAll("#runs input")) if (!box.checked) box.click()`);
  await page.until(`document.querySelector('[data-chart="accuracy"]')?.ariaLabel.includes("slower")`);
  // The folder of this machine is nobody's business.
  await page.value(`document.activeElement.blur(), document.querySelector("#root").textContent = "runs"`);
  await Deno.mkdir(folder, { recursive: true });
  await sharp(await page.screenshot()).png({ palette: true, colours: 96, effort: 10 }).toFile(
    `${folder}/dashboard.png`,
  );
  console.log(`${folder}/dashboard.png is written`);
} finally {
  await Deno.remove(parent, { recursive: true });
}
