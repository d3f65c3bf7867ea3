/** Names and paths of strangers as HTML and Markdown take them: as text, whatever stands in them. */

import { printable } from "../../core/mod.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text in HTML, between tags or in an attribute's quotes. */
export function html(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** Text in a paragraph or a table of Markdown; an address in it becomes no link. */
export function markdown(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]<>|~$&]/g, (character) => ENTITIES[character] ?? `\\${character}`)
    .replace(/:\/\//g, "&#58;//");
}
