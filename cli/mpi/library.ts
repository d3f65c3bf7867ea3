/** Finds and opens MPI's library on this machine. What is called of it is declared here. */

import { DeviceError } from "../../core/mod.ts";
import { constantsOf, familyOf, type MpiConstants } from "./constants.ts";

/** Handles are passed as 64 bits: where a library has 32, it reads the lower ones. */
const HANDLE = "u64";

/** What is called. Those that wait for other ranks run off the thread of the caller. */
const CALLS = {
  MPI_Get_library_version: { parameters: ["buffer", "buffer"], result: "i32" },
  MPI_Abi_get_version: { parameters: ["buffer", "buffer"], result: "i32", optional: true },
  MPI_Init_thread: { parameters: ["pointer", "pointer", "i32", "buffer"], result: "i32" },
  MPI_Finalize: { parameters: [], result: "i32", nonblocking: true },
  MPI_Comm_rank: { parameters: [HANDLE, "buffer"], result: "i32" },
  MPI_Comm_size: { parameters: [HANDLE, "buffer"], result: "i32" },
  MPI_Comm_set_errhandler: { parameters: [HANDLE, HANDLE], result: "i32" },
  MPI_Error_string: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  MPI_Get_processor_name: { parameters: ["buffer", "buffer"], result: "i32" },
  MPI_Allreduce: {
    parameters: [HANDLE, "buffer", "i32", HANDLE, HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Iallreduce: {
    parameters: [HANDLE, "buffer", "i32", HANDLE, HANDLE, HANDLE, "buffer"],
    result: "i32",
  },
  MPI_Comm_dup: { parameters: [HANDLE, "buffer"], result: "i32" },
  MPI_Alltoall: {
    parameters: ["buffer", "i32", HANDLE, "buffer", "i32", HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Allgather: {
    parameters: ["buffer", "i32", HANDLE, "buffer", "i32", HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Wait: { parameters: ["buffer", "buffer"], result: "i32", nonblocking: true },
  MPI_Bcast: { parameters: ["buffer", "i32", HANDLE, "i32", HANDLE], result: "i32", nonblocking: true },
  MPI_Barrier: { parameters: [HANDLE], result: "i32", nonblocking: true },
  MPI_Abort: { parameters: [HANDLE, "i32"], result: "i32" },
} as const;

/** MPI's library, open. */
export interface MpiLibrary {
  /** What it is called where it was found. */
  readonly name: string;
  /** What it calls itself, such as `Open MPI v4.1.4`. */
  readonly version: string;
  /** Its functions. */
  readonly calls: Deno.DynamicLibrary<typeof CALLS>["symbols"];
  /** Its constants. */
  readonly constants: MpiConstants;
}

/** Open MPI's names and MPICH's, of which those of the launcher's family are tried first. */
const OPEN_MPI: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  linux: ["libmpi.so.40", "libmpi.so"],
  darwin: ["libmpi.dylib", "/opt/homebrew/lib/libmpi.dylib", "/usr/local/lib/libmpi.dylib"],
};
const MPICH: typeof OPEN_MPI = {
  linux: ["libmpich.so.12", "libmpi.so.12", "libmpi_abi.so.0"],
  darwin: ["libmpich.dylib"],
};

/** The C library, which gives the addresses of variables. */
const C_LIBRARIES: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  linux: ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`],
  darwin: ["libSystem.B.dylib"],
};

/** `dlopen`'s RTLD_NOW, and RTLD_GLOBAL, without which plugins of some builds of Open MPI do not find their library. */
const NOW = 2, GLOBAL = Deno.build.os === "darwin" ? 8 : 0x100;

/** What was found of the variables that launchers set. */
export interface LauncherVariables {
  /** Open MPI's number of ranks. */
  readonly openMpi?: string;
  /** MPICH's. */
  readonly mpich?: string;
}

/**
 * The names by which the library is looked for, in this order.
 *
 * @param given The name that the user gave. Defaults to none.
 * @param launcher What launchers say. A library of another family would take each process for the only one.
 */
export function libraryNames(
  os: typeof Deno.build.os,
  given: string | undefined,
  launcher: LauncherVariables,
): readonly string[] {
  if (given) return [given];
  const open = OPEN_MPI[os] ?? [], mpich = MPICH[os] ?? [];
  return launcher.openMpi === undefined && launcher.mpich !== undefined ? [...mpich, ...open] : [...open, ...mpich];
}

/**
 * Opens MPI's library.
 *
 * @throws {DeviceError} If there is none, or one whose constants are not known.
 */
export function openLibrary(given: string | undefined, launcher: LauncherVariables): MpiLibrary {
  const names = libraryNames(Deno.build.os, given, launcher);
  const c = firstThat(C_LIBRARIES[Deno.build.os] ?? [], (name) => Deno.dlopen(name, LOADER)).found?.symbols;
  const { found, failure } = firstThat(names, (name) => {
    const handle = c?.dlopen(text(name), NOW | GLOBAL) ?? null;
    return { name, handle, calls: Deno.dlopen(name, CALLS).symbols };
  });
  if (found === undefined) throw new DeviceError(absentText(names, given, failure));
  const { name, handle, calls } = found, version = libraryVersion(calls);
  const family = familyOf(version, abiVersion(calls), name);
  const constants = constantsOf(family, (variable) => {
    const address = handle === null ? null : c!.dlsym(handle, text(variable));
    if (address === null) {
      throw new DeviceError(`${name}: expected the variable ${variable} of Open MPI, but it has none`);
    }
    return Deno.UnsafePointer.value(address);
  });
  return { name, version: version.split(/[,\n]/)[0].replace(/:?\s+/g, " ").trim(), calls, constants };
}

const LOADER = {
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const;

function absentText(names: readonly string[], given: string | undefined, failure: unknown): string {
  const why = failure instanceof Error ? `: ${failure.message}` : "";
  if (given) return `RESIDUA_MPI: ${given} cannot be opened as MPI's library${why}; name the file of libmpi itself`;
  if (failure instanceof Deno.errors.NotCapable) {
    return "MPI's library may not be opened; grant it by --allow-ffi, as deno task train does for --distributed";
  }
  const tried = names.length === 0 ? "" : ` (${names.join(", ")})`;
  return `There is no MPI here${tried}; install it (Debian: apt install openmpi-bin libopenmpi3, macOS: brew install ` +
    "open-mpi, clusters: module load openmpi), or name its library by the variable RESIDUA_MPI";
}

/** The first that can be opened, and why the last could not where none can. */
function firstThat<T>(
  names: readonly string[],
  open: (name: string) => T,
): { readonly found?: T; readonly failure?: unknown } {
  let failure: unknown;
  for (const name of names) {
    try {
      return { found: open(name) };
    } catch (error) {
      failure = error;
    }
  }
  return { failure };
}

type Calls = MpiLibrary["calls"];

/** The most bytes of a text that a library gives. */
export const MOST_TEXT = 8192;

/** Reads a text from a function that writes it and its length. */
export function readText(call: (bytes: Uint8Array<ArrayBuffer>, length: Int32Array<ArrayBuffer>) => unknown): string {
  const bytes = new Uint8Array(MOST_TEXT), length = new Int32Array(1);
  call(bytes, length);
  // MPICH counts the zero at the end too.
  return new TextDecoder().decode(bytes.subarray(0, length[0])).replace(/\0+$/, "");
}

function libraryVersion(calls: Calls): string {
  return readText((bytes, length) => calls.MPI_Get_library_version(bytes, length));
}

function abiVersion({ MPI_Abi_get_version: call }: Calls): number | undefined {
  const major = new Int32Array(1), minor = new Int32Array(1);
  return call === null || call(major, minor) !== 0 ? undefined : major[0];
}

/** A text as C has it. */
function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}
