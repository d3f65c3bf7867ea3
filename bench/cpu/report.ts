/** The output of a run: a table for people, JSON for programs. */

import { formatTable } from "../../cli/reports/table.ts";
import type { Figure } from "../history.ts";
import type { Machine } from "./machine.ts";
import type { PeerFigures, RowFigures } from "./measure.ts";
import { flops, images } from "./work.ts";

/** The results of a run. */
export interface Report {
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  /** Seconds of a turn. */
  readonly seconds: number;
  /** Each peer's description, or the reason why it is missing. */
  readonly peers: ReadonlyMap<string, string>;
  /** GFLOP/s of the engine's multiply-adds on all threads, and whether they are fused. */
  readonly peak: { readonly gflops: number; readonly relaxed: boolean; readonly measured: readonly number[] };
  /** GFLOP/s of the matrix product's inner tile on all threads. */
  readonly tile: { readonly gflops: number; readonly measured: readonly number[] };
  readonly rows: readonly RowFigures[];
}

/** The most characters of a reason. */
const REASON_LENGTH = 110;

/** Shortens a reason to a line. */
export function shorten(reason: string): string {
  const line = reason.split("\n")[0].trim();
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH - 1)}…` : line;
}

/** GFLOP/s of a row's figure. */
function gflops({ row: { work } }: RowFigures, { seconds }: PeerFigures): number {
  return flops(work) / seconds / 1e9;
}

/** A row's figure as its column shows it: images/s where there are images, else GFLOP/s. */
function rate({ row: { work } }: RowFigures, { seconds }: PeerFigures): number {
  return (images(work) ?? flops(work) / 1e9) / seconds;
}

function figuresOf(figures: RowFigures, peer: string): PeerFigures | undefined {
  const found = figures.peers.get(peer);
  return found === undefined || "unsupported" in found ? undefined : found;
}

function digits(value: number): string {
  return value.toFixed(value < 1 ? 2 : 1);
}

/** The table. */
export function formatReport({ machine, threads, peers, peak, tile, rows }: Report): string {
  const names = [...peers.keys()], [first, ...others] = names, reasons: string[] = [];
  const lines = rows.map((figures) => {
    const own = figuresOf(figures, first);
    const cells = others.flatMap((peer) => {
      const theirs = figuresOf(figures, peer);
      if (theirs !== undefined) {
        return [digits(rate(figures, theirs)), own === undefined ? "" : digits(theirs.seconds / own.seconds)];
      }
      const reason = (figures.peers.get(peer) as { unsupported: string } | undefined)?.unsupported ?? "not measured";
      const text = `${peer}: ${shorten(reason)}`;
      if (!reasons.includes(text)) reasons.push(text);
      return [`[${reasons.indexOf(text) + 1}]`, ""];
    });
    const share = own === undefined ? "" : `${Math.round(100 * gflops(figures, own) / peak.gflops)} %`;
    return [figures.row.name, unitOf(figures), own === undefined ? "-" : digits(rate(figures, own)), share, ...cells];
  });
  const ownReasons = rows.flatMap((figures) => {
    const found = figures.peers.get(first);
    return found !== undefined && "unsupported" in found ? [`${figures.row.name}: ${shorten(found.unsupported)}`] : [];
  });
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Deno ${machine.deno}`,
    `${threads} threads; the engine's peak is ${digits(peak.gflops)} GFLOP/s of ${
      peak.relaxed ? "fused multiply-adds" : "multiplies and adds"
    }, ${digits(tile.gflops)} in the tile of the CPU backend's matrix product`,
    ...names.map((name) => `  ${name}: ${shorten(peers.get(name)!)}`),
    "",
    formatTable([["work", "unit", first, "of peak", ...others.flatMap((peer) => [peer, "x"])], ...lines]),
    "",
    `x: how many times as fast ${first} is.`,
    ...reasons.map((reason, index) => `[${index + 1}] ${reason}`),
    ...ownReasons,
  ].join("\n");
}

function unitOf({ row }: RowFigures): string {
  return images(row.work) === undefined ? "GFLOP/s" : "images/s";
}

/** The figures for the history: the engine's peak, then each row and peer. */
export function figuresOfReport({ peak, rows }: Report): Figure[] {
  return [
    { name: "the engine's peak", value: peak.gflops, unit: "GFLOP/s" },
    ...rows.flatMap((figures) =>
      [...figures.peers].flatMap(([peer, found]) =>
        "unsupported" in found
          ? []
          : [{ name: `${figures.row.name}, ${peer}`, value: rate(figures, found), unit: unitOf(figures) }]
      )
    ),
  ];
}

/** All figures as JSON. */
export function reportJson({ peers, peak, tile, rows, ...rest }: Report): string {
  return JSON.stringify(
    {
      ...rest,
      peers: Object.fromEntries(peers),
      peak: { gflops: peak.gflops, relaxed: peak.relaxed, measured: peak.measured.length },
      tile: { gflops: tile.gflops, measured: tile.measured.length },
      rows: rows.map((figures) => ({
        name: figures.row.name,
        work: figures.row.work,
        flops: flops(figures.row.work),
        peers: Object.fromEntries([...figures.peers].map(([name, found]) => [
          name,
          "unsupported" in found ? found : {
            ...found,
            // They are many, and the same in every run.
            costs: undefined,
            gflops: gflops(figures, found),
            ...(images(figures.row.work) === undefined ? {} : { imagesPerSecond: rate(figures, found) }),
            ofPeak: gflops(figures, found) / peak.gflops,
          },
        ])),
      })),
    },
    null,
    2,
  );
}

/** The largest reading of a gauge, since other processes can only slow it down. */
export function most(measured: readonly number[]): number {
  return Math.max(...measured);
}
