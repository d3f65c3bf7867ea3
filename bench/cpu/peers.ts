/** The peers: their names and how their processes are started. */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { didYouMean, UsageError } from "../../core/mod.ts";

/** The options of a peer's process. */
export interface PeerSettings {
  /** The number of threads. */
  readonly threads: number;
  /** The Python interpreter that has PyTorch. */
  readonly python: string;
  /** How this library chooses its kernels on WebGPU, as `--tune`. Defaults to off. */
  readonly tune?: string;
}

/** A framework that can be measured. */
export interface PeerKind {
  readonly name: string;
  /** Where it works. */
  readonly device: "cpu" | "webgpu" | "cuda";
  /** The command line of its process. */
  command(settings: PeerSettings): PeerCommand;
}

/** The command line of a process. */
export interface PeerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Environment variables that are added to this process's, or removed. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The folder of this checkout. */
const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));

function script(file: string, checkout = CHECKOUT): string {
  return join(checkout, "bench/cpu/peers", file);
}

function typescript(name: string, file: string, backend: string, checkout = CHECKOUT): PeerKind {
  // The map of bare names that needs no registry but npm's.
  const map = join(checkout, "deno.offline.json");
  return {
    name,
    device: backend === "webgpu" ? "webgpu" : "cpu",
    command: ({ threads, tune = "off" }) => ({
      program: Deno.execPath(),
      args: [
        ...["run", "-A", "--quiet", "--config", map, "--no-lock"],
        ...[script(file, checkout), String(threads), backend, tune],
      ],
    }),
  };
}

function cuda(name: string, ...args: readonly string[]): PeerKind {
  return {
    name,
    device: "cuda",
    command: ({ threads, python }) => ({
      program: python,
      args: [script("pytorch.py"), String(threads), "--device", "cuda", ...args],
    }),
  };
}

/** All peers; the others are compared with the first. */
export const PEERS: readonly PeerKind[] = [
  typescript("residua", "residua.ts", "cpu"),
  {
    name: "pytorch",
    device: "cpu",
    command: ({ threads, python }) => ({
      program: python,
      args: [script("pytorch.py"), String(threads)],
      environment: {
        // They choose kernels and tiles; a setting for another processor slows OpenBLAS down.
        OPENBLAS_CORETYPE: undefined,
        OPENBLAS_L2_SIZE: undefined,
        OPENBLAS_NUM_THREADS: String(threads),
        OMP_NUM_THREADS: String(threads),
      },
    }),
  },
  typescript("tfjs", "tensorflow.ts", "wasm"),
  typescript("jax-js", "jax.ts", "wasm"),
  typescript("ort-web", "onnxruntime.ts", "wasm"),
  typescript("ort-node", "onnxruntime.ts", "cpu"),
  typescript("residua-webgpu", "residua.ts", "webgpu"),
  typescript("tfjs-webgpu", "tensorflow.ts", "webgpu"),
  typescript("jax-js-webgpu", "jax.ts", "webgpu"),
  typescript("ort-web-webgpu", "onnxruntime.ts", "webgpu"),
  cuda("pytorch-cuda"),
  cuda("pytorch-cuda-amp", "--amp"),
];

/**
 * The peers of these names.
 *
 * @param names Separated by commas.
 * @throws {UsageError} If there is no such peer.
 */
export function peersNamed(names: string, peers: readonly PeerKind[] = PEERS): readonly PeerKind[] {
  return names.split(",").map((name) => {
    const kind = peers.find((peer) => peer.name === name.trim());
    if (kind !== undefined) return kind;
    const known = peers.map((peer) => peer.name);
    throw new UsageError(`--peers: there is no "${name}"${didYouMean(name, known)} There are ${known.join(", ")}`);
  });
}

/**
 * Another checkout of this library on the CPU, named "before".
 *
 * @throws {UsageError} If there is none.
 */
export async function checkoutPeer(folder: string): Promise<PeerKind> {
  const file = "residua.ts", kind = typescript("before", file, "cpu", resolve(folder));
  const found = await Deno.stat(script(file, folder)).catch(() => undefined);
  if (found?.isFile) return kind;
  throw new UsageError(
    `--before: "${folder}" holds no bench/cpu/peers/${file}; give a checkout of this project, such as git worktree makes`,
  );
}
