/**
 * `deno task build:docs`: the site in `dist/docs/`, of the pages of `docs/` by VitePress, and of the reference by `deno doc`.
 * Its task runs in `dist/site/`, where the pages are made ready and where the packages of VitePress are, which finds them by
 * no other way than a folder. They have a lock of their own, `build_docs.lock`.
 */

import { fileURLToPath } from "node:url";
import { siteFaults } from "./_site_check.ts";
import { siteGroups, sitePages } from "./_site_pages.ts";

/** The part of VitePress that is used. */
interface VitePress {
  build(folder: string, options: { readonly outDir: string; readonly logLevel: "warn" }): Promise<void>;
}

const HELP = `deno task build:docs [--base PATH]

Makes the site of docs/ in dist/docs/, for any server of static files.

  --base PATH   the path under which it is served, with slashes at both ends; defaults to /
  --help        this text`;

const root = fileURLToPath(new URL("..", import.meta.url)), work = `${root}dist/site/`, out = `${root}dist/docs/`;

function baseOf(args: readonly string[]): string | undefined {
  if (args.includes("--help") || args.includes("-h")) return undefined;
  if (args.length === 0) return "/";
  if (args.length === 2 && args[0] === "--base" && /^\/(?:[\w.-]+\/)*$/.test(args[1])) return args[1];
  console.error(`error: --base: expected a path such as / or /residua/ but ${args.join(" ")} came; see --help`);
  Deno.exit(2);
}

const sources = {
  read: (path: string) => Deno.readTextFile(root + path).catch(() => undefined),
  async list(path: string) {
    if (!(await Deno.stat(root + path).catch(() => undefined))?.isDirectory) return undefined;
    return [...Deno.readDirSync(root + path)].map(({ name, isDirectory }) => isDirectory ? `${name}/` : name);
  },
};

/** Makes the pages ready, and lets VitePress build them. */
async function buildPages(base: string, version: string, entries: readonly string[]): Promise<void> {
  const docs = [...Deno.readDirSync(`${root}docs`)].map(({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md")).sort();
  const starts = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...docs];
  const files = await sitePages(starts, sources), folder = `${work}pages/`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  for (const [path, { source, text }] of files) {
    await Deno.mkdir(folder + path.slice(0, path.lastIndexOf("/") + 1), { recursive: true });
    if (text === undefined) await Deno.copyFile(root + source, folder + path);
    else await Deno.writeTextFile(folder + path, text);
  }
  const groups = siteGroups([...files.values()].map(({ source }) => source));
  const given = [groups, base, version, entries].map((value) => JSON.stringify(value)).join(", ");
  await Deno.mkdir(`${folder}.vitepress`);
  await Deno.writeTextFile(
    `${folder}.vitepress/config.mjs`,
    `import { siteConfig } from "../../../../tools/_site_config.ts";\nexport default siteConfig(${given});\n`,
  );
  await Deno.mkdir(`${folder}public`);
  await Deno.copyFile(`${root}examples/browser/icon.svg`, `${folder}public/icon.svg`);
  // Vue is named here too, since the pages, which are compiled to its modules, find it by this folder.
  const specifiers = ["npm:vitepress@1.6.4", "npm:vue@3.5.45"];
  const [vitepress] = await Promise.all(specifiers.map((name) => import(name))) as [VitePress, unknown];
  await vitepress.build(folder, { outDir: out, logLevel: "warn" });
}

/** Lets `deno doc` write the reference of every entry. */
async function buildReference(entries: readonly string[]): Promise<void> {
  const args = ["doc", "--html", "--quiet", "--name=Residua", `--output=${out}api`, "--node-modules-dir=none"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "--import-map", "deno.offline.json", ...entries],
    cwd: root,
  }).output();
  if (code === 0) return;
  console.error(new TextDecoder().decode(stderr));
  Deno.exit(code);
}

/** The paths of all files in a folder, from it. */
async function* filesIn(folder: string, path = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder + path)) {
    if (isDirectory) yield* filesIn(folder, `${path}${name}/`);
    else yield path + name;
  }
}

/** Ends with what is wrong of the site that was built. */
async function check(base: string): Promise<string> {
  const files = new Set<string>(), pages = new Map<string, string>();
  let bytes = 0;
  for await (const path of filesIn(out)) {
    files.add(path);
    bytes += (await Deno.stat(out + path)).size;
    // Pages of the reference are many, and lead to one another by what wrote them.
    if (!path.startsWith("api/") && /\.(?:html|css)$/.test(path)) pages.set(path, await Deno.readTextFile(out + path));
  }
  const faults = siteFaults(pages, files, base);
  if (faults.length > 0) {
    console.error(faults.join("\n"));
    Deno.exit(1);
  }
  return `${pages.size} pages, ${files.size} files, ${(bytes / 1e6).toFixed(0)} MB`;
}

const base = baseOf(Deno.args);
if (base === undefined) {
  console.log(HELP);
  Deno.exit(0);
}
const { version, exports } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
};
// The command line is no library.
const entries = Object.entries(exports).filter(([name]) => name !== "./cli");
await buildPages(base, version, entries.map(([name]) => name.slice(2)).filter((name) => name !== ""));
await buildReference(entries.map(([, path]) => path));
console.log(`dist/docs has ${await check(base)}`);
