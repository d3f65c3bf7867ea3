/** How VitePress shows the site; its own file of settings, which `build_docs.ts` writes, takes it from here. */

import { pageOf, type SiteGroup } from "./_site_pages.ts";

/** A token of markdown-it, as far as it is used. */
interface Token {
  info: string;
  readonly content: string;
}

/** How markdown-it writes a token. */
type Rule = (tokens: Token[], k: number, ...rest: unknown[]) => string;

/** The part of markdown-it that is used. */
interface MarkdownIt {
  readonly renderer: { readonly rules: Record<string, Rule> };
}

/** The language of an indented block: commands, or what a program prints, with its prompts or without. */
export function languageOf(text: string): string {
  return /^(?:[A-Z_]+=\S+ )*(?:deno|npx|npm|node|bun|curl|cargo|tools\/|\.\/)/.test(text) ? "sh" : "txt";
}

/** The address of a page. */
function addressOf(path: string): string {
  return `/${pageOf(path).replace(/(?:(?<=^|\/)index)?\.md$/, "")}`;
}

/** The name of a heading in links, as pages that show Markdown files elsewhere make it. */
export function partName(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
}

/** The first page of a group. */
const first = ({ title, pages }: SiteGroup) => ({ text: title, link: addressOf(pages[0][0]) });

/** A link to the reference of an entry; that of the package itself is its start. */
const referenceOf = (entry: string) => ({
  text: `@residua/residua${entry && "/"}${entry}`,
  link: `/api/${entry}${entry && "/"}index.html`,
  target: "_self",
});

/**
 * VitePress's settings.
 *
 * @param base The path under which the site is served, with slashes at both ends.
 * @param version The version of Residua.
 * @param entries The names of the package's subpaths.
 */
export function siteConfig(
  groups: readonly SiteGroup[],
  base: string,
  version: string,
  entries: readonly string[],
): Record<string, unknown> {
  const named = groups.map(({ title, pages }) => ({ title, pages: pages.filter(([path]) => path !== "README.md") }));
  return {
    title: "Residua",
    description: "Residual networks on WebGPU and the CPU, in TypeScript",
    lang: "en",
    base,
    // The reference is made by another tool, and links into it are checked with all others when both are there.
    ignoreDeadLinks: [/\/api\//],
    head: [
      ["link", { rel: "icon", href: `${base}icon.svg`, type: "image/svg+xml" }],
      // What programs print has 80 columns, which are to fit beside both lists.
      ["style", {}, "html:root { --vp-code-font-size: 0.8em; }"],
    ],
    themeConfig: {
      nav: [...named.map(first), { text: "API", link: "/api/index.html", target: "_self" }],
      sidebar: [
        ...named.map(({ title, pages }) => ({
          text: title,
          items: pages.map(([path, text]) => ({ text, link: addressOf(path) })),
        })),
        { text: "Reference", items: ["", ...entries].map(referenceOf) },
      ],
      outline: [2, 3],
      search: { provider: "local" },
      footer: { message: `Residua ${version}, MIT licence` },
    },
    // With Vue in one piece: Deno would load it twice, as an ES module and as CommonJS, and one does not know the other's state.
    vite: { ssr: { noExternal: true }, build: { chunkSizeWarningLimit: 4000 } },
    markdown: {
      anchor: { slugify: partName },
      // Commands stand in indented blocks, which are to look as fenced ones do.
      config({ renderer: { rules } }: MarkdownIt) {
        const fence = rules.fence;
        rules.code_block = (tokens, k, ...rest) => {
          tokens[k].info = languageOf(tokens[k].content);
          return fence(tokens, k, ...rest);
        };
      },
    },
  };
}
