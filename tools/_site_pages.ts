/**
 * The pages of the site: those of `docs/` in the order in which they are read, and every other file that one of them links
 * to. All keep their relative places, so that links need new endings only.
 */

/** What the site is made of, by its path from the root. */
export interface Sources {
  /** The text of a file, or nothing if it is none. */
  read(path: string): Promise<string | undefined>;
  /** The names in a folder, those of folders with a slash; nothing if it is none. */
  list(path: string): Promise<readonly string[] | undefined>;
}

/** A group of pages beside every page. */
export interface SiteGroup {
  /** Its title. */
  readonly title: string;
  /** Its pages, in their order, by their paths from the root and what the list calls them. */
  readonly pages: readonly (readonly [path: string, title: string])[];
}

/** The pages in the order in which they are read. */
export const GROUPS: readonly SiteGroup[] = [
  {
    title: "Begin",
    pages: [
      ["README.md", "Overview"],
      ["docs/first_classifier.md", "A classifier of your photos"],
      ["docs/install.md", "Installing"],
      ["docs/windows.md", "Windows"],
      ["docs/fine_tuning.md", "Fine-tuning"],
      ["docs/recipe_book.md", "Recipe book"],
      ["docs/troubleshooting.md", "Troubleshooting"],
    ],
  },
  {
    title: "Use",
    pages: [
      ["docs/data.md", "Data"],
      ["docs/training.md", "Training"],
      ["docs/dashboard.md", "Dashboard"],
      ["docs/evaluation.md", "Evaluating"],
      ["docs/predict.md", "Predicting"],
      ["docs/serving.md", "Serving"],
      ["docs/weights.md", "Weights"],
      ["docs/export.md", "Export"],
      ["docs/scaling.md", "On many machines"],
      ["docs/browser.md", "Browsers, Node and Bun"],
      ["docs/interoperability.md", "Interoperability"],
    ],
  },
  {
    title: "How it works",
    pages: [
      ["docs/architecture.md", "Architecture"],
      ["CONTRIBUTING.md", "Adding an op, a block, a model"],
      ["docs/webgpu.md", "WebGPU"],
      ["docs/kernel_text.md", "Rules of a kernel's text"],
      ["docs/cpu.md", "CPU"],
      ["docs/decisions/README.md", "Decisions"],
    ],
  },
  {
    title: "How well",
    pages: [
      ["docs/results.md", "Results"],
      ["docs/numerics.md", "Numbers beside PyTorch's"],
      ["docs/reliability.md", "Reliability"],
      ["SECURITY.md", "Security"],
      ["CHANGELOG.md", "Changes"],
    ],
  },
];

/** The group of pages that no other group has. */
const REST = "More";

/** The groups, without pages that there are not, and with those of `docs/` that none of them has. */
export function siteGroups(paths: readonly string[]): SiteGroup[] {
  const there = GROUPS.map(({ title, pages }) => ({ title, pages: pages.filter(([path]) => paths.includes(path)) }));
  const placed = there.flatMap(({ pages }) => pages.map(([path]) => path));
  const rest = paths.filter((path) => /^docs\/[^/]+\.md$/.test(path) && !placed.includes(path));
  return [...there, {
    title: REST,
    pages: rest.map((path) => [path, path.slice("docs/".length, -".md".length).replaceAll("_", " ")] as const),
  }].filter(({ pages }) => pages.length > 0);
}

/** The page of the site that shows a file or a folder, by the path that the generator takes. */
export function pageOf(path: string): string {
  if (path === "README.md") return "index.md";
  if (path.endsWith("/")) return `${path}index.md`;
  if (path.endsWith("/README.md")) return `${path.slice(0, -"README.md".length)}index.md`;
  return path.endsWith(".md") ? path : `${path}.md`;
}

/** A link of Markdown, or a picture; or code in a line, in which there is none. */
const LINK = /(!?)(\[(?:[^\]\\`]|\\.|`[^`]*`)*\])\(([^)\s]+)\)|`[^`]+`/g;
/** Files that the generator takes as they are. */
const PICTURE = /\.(?:png|svg|jpg|webp|gif)$/;
/** Fenced blocks and indented ones after an empty line: what is in them is no link. */
const CODE = /^```[^]*?^```$|(?<=\n\n)(?: {4}.*\n)+/gm;

/** Calls a function with the parts of a page that are no blocks of code. */
function outsideCode(text: string, change: (prose: string) => string): string {
  const blocks = [...text.matchAll(CODE)];
  let end = 0, result = "";
  for (const block of blocks) {
    result += change(text.slice(end, block.index)) + block[0];
    end = block.index + block[0].length;
  }
  return result + change(text.slice(end));
}

/** What a page links to, from the root, with the part of that page after `#`. */
function targetOf(path: string, link: string): readonly [path: string, part: string] | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const url = new URL(link, `file:///${path}`);
  return [link.startsWith("#") ? path : decodeURIComponent(url.pathname.slice(1)), url.hash];
}

/** The way from a page to another, both by the paths of the generator. */
function relative(from: string, to: string): string {
  const here = from.split("/").slice(0, -1), there = to.split("/");
  while (here.length > 0 && here[0] === there[0]) {
    here.shift();
    there.shift();
  }
  return `${here.length === 0 ? "./" : "../".repeat(here.length)}${there.join("/")}`;
}

/** A page with links to the pages of the site, and the files that they are about. */
function withSiteLinks(path: string, text: string): { readonly text: string; readonly targets: readonly string[] } {
  const targets: string[] = [], from = pageOf(path);
  const changed = outsideCode(text, (prose) =>
    prose.replace(LINK, (whole, mark, label, link) => {
      const target = link === undefined ? undefined : targetOf(path, link);
      if (target === undefined) return whole;
      targets.push(target[0]);
      const to = PICTURE.test(target[0]) ? target[0] : pageOf(target[0]);
      return `${mark}${label}(${relative(from, to)}${target[1]})`;
    }));
  return { text: changed, targets };
}

/** The home page: the README, its title and first sentences set large, with the ways on. */
function home(readme: string): string {
  const [, title, sentences, rest] = /^# (.*)\n\n((?:.+\n)+)([^]*)$/.exec(readme)!;
  const [first, ...others] = sentences.trim().replaceAll("\n", " ").split(/(?<=\.) /);
  const front = {
    layout: "home",
    hero: {
      name: title,
      text: first.replace(/\.$/, ""),
      tagline: others.join(" "),
      actions: [
        { theme: "brand", text: "A classifier of your photos", link: "/docs/first_classifier" },
        { theme: "alt", text: "How it works", link: "/docs/architecture" },
        { theme: "alt", text: "API", link: "/api/index.html", target: "_self" },
      ],
    },
  };
  return `---\n${JSON.stringify(front)}\n---\n${rest}`;
}

/** The characters up to which a file is coloured. */
const MOST_COLOURED = 40_000;

/** A file of another kind as a page, which is not searched. */
function sourcePage(path: string, text: string): string {
  const language = text.length > MOST_COLOURED
    ? "txt"
    : { py: "python", sh: "sh", ts: "ts", json: "json", yaml: "yaml" }[path.split(".").at(-1)!] ?? "txt";
  return `---\nsearch: false\n---\n# ${
    path.split("/").at(-1)
  }\n\n\`${path}\`\n\n\`\`\`\`${language}\n${text.trimEnd()}\n\`\`\`\`\n`;
}

/** A notebook as a page: its texts, and its programs as blocks. */
function notebookPage(text: string): string {
  const { cells } = JSON.parse(text) as {
    readonly cells: readonly { readonly cell_type: string; readonly source: readonly string[] }[];
  };
  return cells.map(({ cell_type: type, source }) =>
    type === "markdown" ? `${source.join("")}\n` : `\`\`\`ts\n${source.join("")}\n\`\`\`\n`
  ).join("\n");
}

/** A folder as a page: what of it has a page is linked. */
function folderPage(path: string, names: readonly string[]): string {
  const items = [...names].sort().map((name) => name.endsWith(".md") ? `- [${name}](${name})` : `- \`${name}\``);
  return `# ${path}\n\n${items.join("\n")}\n`;
}

/** A page of the site, or a picture. */
export interface SiteFile {
  /** What it shows, by its path from the root. */
  readonly source: string;
  /** The text, by the path of the generator; nothing if the file is to be copied. */
  readonly text?: string;
}

/**
 * Makes the pages of the site.
 *
 * @param starts The pages from which others are found.
 * @returns The files, by the path that the generator takes.
 * @throws {Error} If a page links to what is not there.
 */
export async function sitePages(starts: readonly string[], sources: Sources): Promise<Map<string, SiteFile>> {
  const made = new Map<string, SiteFile>(), waiting = starts.map((path) => ({ path, from: "the list of pages" }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { from } = next, names = await sources.list(next.path);
    const folder = `${next.path.replace(/\/$/, "")}/`;
    const path = names === undefined ? next.path : names.includes("README.md") ? `${folder}README.md` : folder;
    if (PICTURE.test(path)) {
      made.set(path, { source: path });
      continue;
    }
    const page = pageOf(path);
    if (made.has(page)) continue;
    const text = path.endsWith("/") ? folderPage(path, names!) : await sources.read(path);
    if (text === undefined) throw new Error(`${from} links to ${path}, which is not there; correct the link`);
    const shown = path.endsWith(".md") ? (path === "README.md" ? home(text) : text) : undefined;
    const whole = path.endsWith("/") ? text : path.endsWith(".ipynb") ? notebookPage(text) : sourcePage(path, text);
    const source = shown ?? whole;
    const linked = path.endsWith(".md") || path.endsWith("/") ? withSiteLinks(path, source) : undefined;
    made.set(page, { source: path, text: linked?.text ?? source });
    for (const target of linked?.targets ?? []) waiting.push({ path: target, from: path });
  }
  return made;
}
