/** The site of the documentation: its pages, their links, and what is built of them. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GROUPS, pageOf, siteGroups, sitePages, type Sources } from "../tools/_site_pages.ts";
import { siteFaults } from "../tools/_site_check.ts";
import { languageOf, partName } from "../tools/_site_config.ts";
import { BrowserPage, browserTest, NO_WEBGPU, serveLocal } from "./_chromium.ts";
import { ALL } from "./_all.ts";
import { root, runProgram } from "./_launcher.ts";

/** Sources by path; folders are those that the paths have. */
function sourcesOf(files: Readonly<Record<string, string>>): Sources {
  return {
    read: (path) => Promise.resolve(Object.hasOwn(files, path) ? files[path] : undefined),
    list: (path) => {
      const folder = `${path.replace(/\/$/, "")}/`,
        inside = Object.keys(files).filter((name) => name.startsWith(folder));
      if (inside.length === 0) return Promise.resolve(undefined);
      return Promise.resolve([...new Set(inside.map((name) => name.slice(folder.length).replace(/\/.*/, "/")))]);
    },
  };
}

const FILES = {
  "README.md":
    "# House\n\nA small house. It has a roof,\nand a door.\n\nSee [docs](docs/a.md#part-one) and [b](docs/b/).\n",
  "docs/a.md": "# A\n\n[home](../README.md), [one](#part-one), [code](../src/x.ts), [out](https://example.org/y.md)\n" +
    "![picture](pictures/p.png) `[no](link.md)`\n\n    [no](link.md)\n\n```ts\n[no](link.md)\n```\n",
  "docs/b/README.md": "# B\n\n[one](1.md)\n",
  "docs/b/1.md": "# One\n\n[folder](../../src/)\n",
  "docs/pictures/p.png": "",
  "src/x.ts": "const x = `</script>`;\n",
};

Deno.test("sitePages() keeps places, follows links to what they name, and turns them into links of the site", async () => {
  const pages = await sitePages(["README.md"], sourcesOf(FILES));
  const names = ["index.md", "docs/a.md", "docs/b/index.md", "docs/b/1.md", "src/x.ts.md", "src/index.md"];
  assertEquals([...pages.keys()].sort(), [...names, "docs/pictures/p.png"].sort());
  const text = (name: string) => pages.get(name)!.text!;
  assertMatch(text("index.md"), /"name":"House","text":"A small house","tagline":"It has a roof, and a door\."/);
  assert(text("index.md").endsWith("\nSee [docs](./docs/a.md#part-one) and [b](./docs/b/index.md).\n"));
  assertEquals(
    text("docs/a.md"),
    "# A\n\n[home](../index.md), [one](./a.md#part-one), [code](../src/x.ts.md), [out](https://example.org/y.md)\n" +
      "![picture](./pictures/p.png) `[no](link.md)`\n\n    [no](link.md)\n\n```ts\n[no](link.md)\n```\n",
  );
  assertEquals(text("docs/b/1.md"), "# One\n\n[folder](../../src/index.md)\n");
  assertEquals(
    text("src/x.ts.md"),
    "---\nsearch: false\n---\n# x.ts\n\n`src/x.ts`\n\n````ts\nconst x = `</script>`;\n````\n",
  );
  assertEquals(text("src/index.md"), "# src/\n\n- `x.ts`\n");
  assertEquals(pages.get("docs/pictures/p.png"), { source: "docs/pictures/p.png" });
});

Deno.test("sitePages() shows a notebook by its texts and programs", async () => {
  const cells = [
    { cell_type: "markdown", source: ["# N\n", "text"] },
    { cell_type: "code", source: ["const x = 1;\n", "x;"], outputs: [] },
  ];
  const files = { "docs/a.md": "[n](../n.ipynb)\n", "n.ipynb": JSON.stringify({ cells }) };
  const pages = await sitePages(["docs/a.md"], sourcesOf(files));
  assertEquals(pages.get("docs/a.md")!.text, "[n](../n.ipynb.md)\n");
  assertEquals(pages.get("n.ipynb.md")!.text, "# N\ntext\n\n```ts\nconst x = 1;\nx;\n```\n");
});

Deno.test("sitePages() refuses a link to what is not there", async () => {
  const sources = sourcesOf({ "docs/a.md": "# A\n\n[b](b.md)\n" });
  await assertRejects(
    () => sitePages(["docs/a.md"], sources),
    Error,
    "docs/a.md links to docs/b.md, which is not there; correct the link",
  );
});

Deno.test("siteGroups() leaves out pages that are not there, and puts those without a place at the end", () => {
  const groups = siteGroups(["docs/data.md", "docs/new_thing.md", "docs/decisions/0001-x.md", "README.md"]);
  assertEquals(groups, [
    { title: "Begin", pages: [["README.md", "Overview"]] },
    { title: "Use", pages: [["docs/data.md", "Data"]] },
    { title: "More", pages: [["docs/new_thing.md", "new thing"]] },
  ]);
  const places = GROUPS.flatMap(({ pages }) => pages.map(([path]) => path));
  assertEquals(new Set(places).size, places.length);
});

Deno.test("partName() names headings as links to Markdown files do, and languageOf() knows what a block is", async () => {
  assertEquals(partName("torchvision's published weights"), "torchvisions-published-weights");
  assertEquals(partName(" By npm, for Node and Bun"), "by-npm-for-node-and-bun");
  assertEquals(["deno task train", "$ curl x\ny", "loss 0.1", "A=1 npx x"].map(languageOf), [
    ...["sh", "txt", "txt", "sh"],
  ]);
  assertEquals(["README.md", "docs/a.md", "bench/", "bench/README.md", "x/y.ts"].map(pageOf), [
    ...["index.md", "docs/a.md", "bench/index.md", "bench/index.md", "x/y.ts.md"],
  ]);
  // Every link of the real pages to a part of a page names a heading of it.
  const list = async (path: string) =>
    (await Deno.stat(root + path).catch(() => undefined))?.isDirectory
      ? [...Deno.readDirSync(root + path)].map(({ name, isDirectory }) => isDirectory ? `${name}/` : name)
      : undefined;
  const read = (path: string) => Deno.readTextFile(root + path).catch(() => undefined);
  const docs = [...Deno.readDirSync(`${root}docs`)].map(({ name }) => `docs/${name}`).filter((p) => p.endsWith(".md"));
  const pages = await sitePages(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...docs], {
    read,
    list,
  });
  const parts = new Map(
    [...pages].map(([name, { text = "" }]) =>
      [
        name,
        new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => partName(title.replaceAll("`", "")))),
      ] as const
    ),
  );
  const dead: string[] = [];
  for (const [name, { text = "", source }] of pages) {
    if (!source.endsWith(".md")) continue;
    for (const [, link, part] of text.matchAll(/\]\((\.[^)#\s]*\.md)#([^)\s]+)\)/g)) {
      const target = new URL(link, `file:///${name}`).pathname.slice(1);
      if (!parts.get(target)?.has(part)) dead.push(`${source}: ${link}#${part}`);
    }
  }
  assertEquals(dead, []);
});

Deno.test("siteFaults() finds links that lead nowhere, and what is loaded from elsewhere", () => {
  const pages = new Map([
    [
      "index.html",
      '<a href="/r/docs/a.html#x&amp;y">a</a><a href="docs/a#none">b</a><a href="/r/docs/">c</a><a href="/other">d</a>' +
      '<a href="https://example.org">e</a><link rel="stylesheet" href="https://fonts.example/x.css">' +
      '<script src="//cdn.example/x.js"></script><img src="data:image/png;base64,AA"><img src="p.png">',
    ],
    ["docs/a.html", '<h2 id="x&amp;y">x</h2><a href="../docs/b.html">b</a>'],
    ["s.css", "@font-face{src:url(https://fonts.example/f.woff2)}"],
  ]);
  assertEquals(siteFaults(pages, new Set([...pages.keys(), "p.png"]), "/r/"), [
    "docs/a.html links to ../docs/b.html, which is not there",
    "index.html links to /other, which is outside of /r/",
    "index.html links to /r/docs/, which is not there",
    "index.html links to docs/a#none, and that page has no part of this name",
    "index.html loads //cdn.example/x.js from elsewhere",
    "index.html loads https://fonts.example/x.css from elsewhere",
    "s.css loads https://fonts.example/f.woff2 from elsewhere",
  ]);
});

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

browserTest(
  "deno task build:docs makes a site that is searched, and asks no other server for anything",
  async () => {
    const { code, stdout, stderr } = await runProgram(Deno.execPath(), ["task", "build:docs"]);
    assertEquals(code, 0, stdout + stderr);
    assertMatch(stdout, /^dist\/docs has \d+ pages, \d+ files, \d+ MB$/m);
    await using server = serveLocal(async ({ url }) => {
      const path = new URL(url).pathname.replace(/\/$/, "/index.html");
      const file = await Deno.readFile(`${root}dist/docs${path}`).catch(() => undefined);
      const type = TYPES[path.split(".").at(-1)!] ?? "application/octet-stream";
      return new Response(file ?? "", { status: file === undefined ? 404 : 200, headers: { "content-type": type } });
    });
    await using page = await BrowserPage.open(`${server.url}docs/training.html`, NO_WEBGPU);
    await page.until(`document.querySelector(".VPNavBarSearch button")`);
    assertMatch(await page.text("h1"), /^Training\s/);
    await page.value(`document.querySelector(".VPNavBarSearch button").click()`);
    await page.until(`document.querySelector(".VPLocalSearchBox input")`);
    await page.value(`(() => {
      const input = document.querySelector(".VPLocalSearchBox input");
      input.value = "winograd";
      input.dispatchEvent(new Event("input"));
    })()`);
    await page.until(`document.querySelector(".VPLocalSearchBox .result")`);
    const loaded = await page.value<string[]>(
      `performance.getEntriesByType("resource").map(({ name }) => new URL(name).host)`,
    );
    assert(loaded.length > 5, `${loaded.length} files`);
    assertEquals([...new Set(loaded)], [new URL(server.url).host]);
  },
  // It takes 15 s of a core, and packages of the registry; links are checked above.
  !ALL,
);
