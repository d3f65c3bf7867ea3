/** A report as one file of HTML: nothing is fetched, no script runs, and it is read in light and in darkness. */

import { VERSION } from "../../core/mod.ts";
import { formatPercent } from "../reports/format.ts";
import { html } from "./escape.ts";
import type { RunReport } from "./run_report.ts";
import { classTable, epochTable, figuresOf, optionTable, pairTable, type ReportTable } from "./tables.ts";

/** Rows of a table above which it is folded. */
const MOST_ROWS = 25;

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--faint:#59636e;--line:#d1d9e0;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--paper:#12161c;--ink:#e6edf3;--faint:#9198a1;--line:#343b44;--card:#1b2129}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.2rem 0;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
p{margin:.4rem 0}.faint,figcaption,caption{color:var(--faint)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.6rem;margin:1rem 0}
dl div{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem .8rem}
dt{color:var(--faint);font-size:.85rem}dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;
font-variant-numeric:tabular-nums}
th.text,td.text{text-align:left;overflow-wrap:anywhere}
.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots>svg{max-width:100%;height:auto;border-radius:6px}
@media(prefers-color-scheme:dark){.plots>svg{filter:invert(.92) hue-rotate(180deg)}}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.8rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem;overflow-wrap:anywhere}
figure img{width:100%;height:auto;image-rendering:auto;border-radius:3px}figcaption{font-size:.8rem}
summary{cursor:pointer}ul{padding-left:1.2rem}`;

/** The page. */
export function htmlReport(report: RunReport): string {
  const { run, model, data, notes, curves, confusion, pairs, mistakes, environment } = report;
  const title = `${model} on ${data}`, classes = classTable(report);
  const parts = [
    `<h1>${html(title)}</h1><p class="faint">${html(run)}</p>`,
    definitions(figuresOf(report)),
    notes.length === 0 ? "" : `<ul class="faint">${notes.map((note) => `<li>${html(note)}</li>`).join("")}</ul>`,
    section("Curves", plots([curves])),
    section("Mistakes", mistakes.length === 0 ? "" : mistakeFigures(report)),
    section("Mistaken most often", pairs.length === 0 ? "" : table(pairTable(report))),
    section("Which class was taken for which", plots([confusion])),
    section("Classes, the worst first", classes === undefined ? "" : folded(classes, "classes")),
    section("Epochs", report.epochs.length === 0 ? "" : folded(epochTable(report), "epochs")),
    section("Configuration", table(optionTable(report, false)) + details("defaults", table(optionTable(report, true)))),
    section("Environment", definitions(environment)),
    `<p class="faint">Made by Residua ${html(VERSION)} from the files of the run.</p>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${html(title)}</title><style>${STYLE}</style></head><body>
${parts.filter((part) => part !== "").join("\n")}
</body></html>
`;
}

function section(title: string, body: string): string {
  return body === "" ? "" : `<section><h2>${html(title)}</h2>${body}</section>`;
}

function definitions(pairs: readonly (readonly [string, string])[]): string {
  const rows = pairs.map(([name, value]) => `<div><dt>${html(name)}</dt><dd>${html(value)}</dd></div>`);
  return rows.length === 0 ? "" : `<dl>${rows.join("")}</dl>`;
}

/** Drawings of our own, which are no text to escape. */
function plots(drawings: readonly (string | undefined)[]): string {
  const drawn = drawings.filter((drawing) => drawing !== undefined);
  return drawn.length === 0 ? "" : `<div class="plots">${drawn.join("")}</div>`;
}

function table({ head, texts, rows }: ReportTable): string {
  const row = (cells: readonly string[], tag: "th" | "td") =>
    `<tr>${cells.map((cell, k) => `<${tag}${k < texts ? ' class="text"' : ""}>${html(cell)}</${tag}>`).join("")}</tr>`;
  const body = rows.map((cells) => row(cells, "td")).join("");
  return `<div class="wide"><table><thead>${row(head, "th")}</thead><tbody>${body}</tbody></table></div>`;
}

function details(summary: string, body: string): string {
  return `<details><summary>${html(summary)}</summary>${body}</details>`;
}

/** A table, behind a word where it is long. */
function folded(content: ReportTable, what: string): string {
  const { rows } = content;
  return rows.length <= MOST_ROWS ? table(content) : details(`all ${rows.length} ${what}`, table(content));
}

function mistakeFigures({ mistakes, answers }: RunReport): string {
  const name = (index: number) => answers!.classes[index];
  const figures = mistakes.map(({ index, path, label, predicted, probability, picture }) => {
    const source = path ?? `image ${index}`;
    const image = picture === undefined ? "" : `<img src="${html(picture)}" alt="${html(source)}">`;
    const caption = `<strong>${html(name(predicted))}</strong>, ${formatPercent(probability, 0)} sure<br>` +
      `is ${html(name(label))}<br>${html(source)}`;
    return `<figure>${image}<figcaption>${caption}</figcaption></figure>`;
  });
  return `<p class="faint">The answers that the network was most sure of, and wrong.</p>` +
    `<div class="images">${figures.join("")}</div>`;
}
