import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import type { PeerFigures } from "../cpu/measure.ts";
import type { Work } from "../cpu/work.ts";
import { formatGpuReport, type GpuFigures, type GpuReport, OWN, parseGpuReport, reportRow } from "./report.ts";
import { gpuRows } from "./rows.ts";
import { resultsTable } from "./table.ts";

const GEMM: Work = { kind: "matmul", m: 1000, n: 1000, k: 1000 };

function training(precision: "float32" | "mixed"): Work {
  return { kind: "training", network: "resnet20", batch: 128, size: 32, precision };
}

type Peers = Readonly<Record<string, GpuFigures | { readonly unsupported: string }>>;

function report(rows: readonly (readonly [string, Work, Peers])[], changes: Partial<GpuReport> = {}): GpuReport {
  return {
    machine: { cpu: "a processor", cores: 16, system: "linux", deno: "2.9.6", v8: "15" },
    peaks: { flops: 4e12, bytes: 1e12 },
    tune: "off",
    rounds: 5,
    seconds: 0.1,
    peers: { [OWN]: "Residua, WebGPU, a GPU" },
    rows: rows.map(([name, work, peers]) => ({
      name,
      group: name.split(" ")[0],
      label: name.split(" ").slice(1).join(" "),
      work,
      flops: 2e9,
      floor: 5e-4,
      images: work.kind === "training" ? work.batch : undefined,
      peers,
    })),
    ...changes,
  };
}

function figures(seconds: number, device?: number): GpuFigures {
  return { variant: "", seconds, device, runs: 9 };
}

Deno.test("resultsTable() joins the rows of several reports, each precision with PyTorch's own", () => {
  const ours = report([
    ["gemm 1000", GEMM, { [OWN]: figures(3e-3, 1e-3) }],
    ["training a", training("float32"), { [OWN]: figures(0.02, 0.0128) }],
    ["training a mixed", training("mixed"), { [OWN]: { unsupported: "no float16" } }],
  ]);
  const theirs = report([
    ["gemm 1000", GEMM, { "pytorch-cuda": figures(5e-4), "pytorch-cuda-amp": { unsupported: "mixed precision only" } }],
    ["training a", training("float32"), { "pytorch-cuda": figures(0.0064) }],
    ["training a mixed", training("mixed"), {
      "pytorch-cuda": { unsupported: "float32 only" },
      "pytorch-cuda-amp": figures(0.0032),
    }],
  ], { peers: { "pytorch-cuda": "PyTorch 2", "pytorch-cuda-amp": "PyTorch 2, AMP" } });
  const tuned = report([["training a", training("float32"), { [OWN]: figures(0.02, 0.0064) }]], { tune: "cache" });
  const table = resultsTable([ours, theirs, tuned]), lines = table.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(lines.map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1)).toSpliced(1, 1), [
    ["work", "unit", "Residua", "PyTorch", "ratio"],
    ["gemm 1000", "TFLOP/s", "2.00", "4.00", "0.50 x"],
    ["training a", "images/s", "10000", "20000", "0.50 x"],
    ["training a mixed", "images/s", "[1]", "40000", ""],
    ["training a, tuned", "images/s", "20000", "20000", "1.00 x"],
  ]);
  assertStringIncludes(table, `- [1] ${OWN}: no float16`);
  assertStringIncludes(table, "- pytorch-cuda: PyTorch 2");
  assert(!table.includes("mixed precision only") && !table.includes("PyTorch was not measured"));
});

Deno.test("resultsTable() says that PyTorch was not measured, and leaves its cells empty", () => {
  const peers = { [OWN]: "Residua", "pytorch-cuda": "not available: No module named 'torch'" };
  const table = resultsTable([report([["gemm 1000", GEMM, { [OWN]: figures(1e-3) }]], { peers })]);
  assertStringIncludes(table, "PyTorch was not measured");
  assertStringIncludes(table, "- pytorch-cuda: not available: No module named 'torch'");
});

Deno.test("parseGpuReport() reads what was kept, and refuses what is none", () => {
  const one = report([["gemm 1000", GEMM, { [OWN]: figures(1e-3, 9e-4) }]]);
  assertEquals(parseGpuReport(JSON.stringify(one), "a.json").rows[0].peers[OWN], figures(1e-3, 9e-4));
  for (const text of ["", "{", "{}", "[1]"]) assertThrows(() => parseGpuReport(text, "b.json"), DataError, "b.json");
});

Deno.test("formatGpuReport() leaves no row out, and no line wider than asked for", () => {
  const rows = gpuRows(), peers = [OWN, "tfjs-webgpu", "jax-js-webgpu", "pytorch-cuda", "pytorch-cuda-amp"];
  const peaks = { flops: 6e13, bytes: 2.6e12 };
  const lines = rows.map((row, index) =>
    reportRow(row, {
      peers: new Map(peers.map((peer, k): [string, PeerFigures | { unsupported: string }] => {
        if ((index + k) % 5 === 0) return [peer, { unsupported: "too slow: gave no result within 15 s" }];
        const times = { rounds: [], minimum: 1, median: 1, seconds: 12.345, device: 12.345, runs: 3 };
        return [peer, { variant: "", ...times, costs: [{ flops: 6e13, bytes: 1 }, { flops: 1, bytes: 2.6e12 }] }];
      })),
    }, peaks)
  );
  assertEquals(lines[1].floor, 2);
  const descriptions = Object.fromEntries(peers.map((peer) => [peer, peer]));
  for (const width of [80, 120]) {
    const text = formatGpuReport({ ...report([]), peaks, peers: descriptions, rows: lines }, width);
    for (const line of text.split("\n")) assert(line.length <= width, `${line.length} of ${width}: ${line}`);
    for (const { label } of rows) assert(text.split("\n").some((line) => line.startsWith(`${label} `)), label);
    assertStringIncludes(text, `[1] ${OWN}: too slow: gave no result within 15 s`);
  }
});

Deno.test("gpuRows() have names of their own, the same work in small, and labels that fit", () => {
  for (const small of [false, true]) {
    const rows = gpuRows(small);
    assertEquals(new Set(rows.map(({ name }) => name)).size, rows.length);
    assertEquals(new Set(rows.map(({ group, label }) => `${group} ${label}`)).size, rows.length);
  }
  for (const network of ["resnet20", "resnet18", "resnet50", "mobilenet_v2"]) {
    for (const kind of ["training", "inference", "convolutions of"]) {
      assert(gpuRows().some(({ group, name }) => `${group} ${name}`.includes(kind) && name.includes(network)));
    }
  }
});
