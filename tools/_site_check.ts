/** What must hold of the site as it is built: links lead somewhere, and nothing is loaded from elsewhere. */

/** The attributes of a page by which it leads to files, and its elements by which it loads them. */
const LINKS = /<(a|link|script|img|source|iframe)\b[^>]*?\s(?:href|src)="([^"]*)"/g;
const IDS = /\sid="([^"]*)"/g;
/** Elements that load what they name. */
const LOADS = /^(?:script|img|source|iframe)$/;
/** Links that load nothing. */
const ONLY_NAMED = /rel="(?:canonical|alternate)"/;

function unescape(text: string): string {
  return text.replace(
    /&(amp|quot|lt|gt|#39|#x27);/g,
    (_, name) => ({ amp: "&", quot: '"', lt: "<", gt: ">" } as Readonly<Record<string, string>>)[name] ?? "'",
  );
}

/**
 * Finds links of a site that lead nowhere, and what it would load from another server.
 *
 * @param pages The texts of HTML pages and style sheets by their path from the root.
 * @param files The paths of all files.
 * @param base The path under which the site is served, with slashes at both ends.
 * @returns A sentence for each.
 */
export function siteFaults(pages: ReadonlyMap<string, string>, files: ReadonlySet<string>, base: string): string[] {
  const ids = new Map(
    [...pages].map(([path, text]) => [path, new Set([...text.matchAll(IDS)].map(([, id]) => unescape(id)))] as const),
  );
  const faults: string[] = [];
  for (const [path, text] of pages) {
    for (const [, address] of text.matchAll(/(?:@import\s*|url\(\s*)["']?(https?:[^"')\s]+|\/\/[^"')\s]+)/g)) {
      faults.push(`${path} loads ${address} from elsewhere`);
    }
    for (const [element, name, escaped] of text.matchAll(LINKS)) {
      const link = unescape(escaped), url = new URL(link, `file://${base}${path}`);
      if (url.protocol !== "file:" || link.startsWith("//")) {
        const loads = LOADS.test(name) || (name === "link" && !ONLY_NAMED.test(element));
        if (loads && url.protocol !== "data:") faults.push(`${path} loads ${link} from elsewhere`);
        continue;
      }
      if (!url.pathname.startsWith(base)) {
        faults.push(`${path} links to ${link}, which is outside of ${base}`);
        continue;
      }
      const there = decodeURIComponent(url.pathname.slice(base.length)), names = [there, `${there}.html`];
      const file = (there === "" || there.endsWith("/") ? [`${there}index.html`] : names)
        .find((name) => files.has(name));
      const part = decodeURIComponent(url.hash.slice(1));
      if (file === undefined) faults.push(`${path} links to ${link}, which is not there`);
      else if (part !== "" && ids.has(file) && !ids.get(file)!.has(part)) {
        faults.push(`${path} links to ${link}, and that page has no part of this name`);
      }
    }
  }
  return [...new Set(faults)].sort();
}
