/**
 * The constants of MPI's libraries, which each family has its own of: Open MPI's handles are the addresses of its variables,
 * MPICH's are numbers, and those of the standard's binary interface (MPI 5.0, chapter 20) are small numbers.
 */

import { DeviceError, showText } from "../../core/mod.ts";

/** The constants that calls take, as addresses or numbers. */
export interface MpiConstants {
  /** `MPI_COMM_WORLD`. */
  readonly world: bigint;
  /** `MPI_FLOAT`. */
  readonly float: bigint;
  /** `MPI_BYTE`. */
  readonly byte: bigint;
  /** `MPI_SUM`. */
  readonly sum: bigint;
  /** `MPI_ERRORS_RETURN`. */
  readonly errorsReturn: bigint;
  /** `MPI_IN_PLACE`. */
  readonly inPlace: bigint;
}

/** A library by the values of its constants. */
export type MpiFamily = "Open MPI" | "MPICH" | "the standard's interface";

/** What a library's own text begins with. Intel's, MVAPICH and Cray's are built on MPICH and keep its binary interface. */
const TEXTS: readonly (readonly [RegExp, MpiFamily])[] = [
  [/^Open MPI v(?:[3-9]|\d\d)/, "Open MPI"],
  [/^(?:MPICH Version|Intel\(R\) MPI Library|MVAPICH|CRAY MPICH)/i, "MPICH"],
];

/**
 * Tells to which family a library belongs.
 *
 * @param version What `MPI_Get_library_version` gives.
 * @param abi The version of the standard's interface that it has, as `MPI_Abi_get_version` gives it; nothing where there is none.
 * @param name What the library is called, for messages.
 * @throws {DeviceError} If it belongs to none that is known.
 *
 * @example
 * ```ts
 * import { familyOf } from "./constants.ts";
 * console.log(familyOf("Open MPI v4.1.4, package: Debian OpenMPI", undefined, "libmpi.so.40")); // Open MPI
 * ```
 */
export function familyOf(version: string, abi: number | undefined, name: string): MpiFamily {
  // A library of MPICH's that has the standard's interface calls itself MPICH too.
  if (abi !== undefined && abi >= 1) return "the standard's interface";
  const found = TEXTS.find(([text]) => text.test(version))?.[1];
  if (found !== undefined) return found;
  throw new DeviceError(
    `${name} calls itself ${
      showText(version.split("\n")[0].trim())
    }; expected Open MPI from 3.0, MPICH or what is built on ` +
      "it (Intel MPI, MVAPICH, Cray MPICH), or a library with MPI's standard binary interface; name another by the variable " +
      "RESIDUA_MPI",
  );
}

const MPICH: MpiConstants = {
  world: 0x44000000n,
  float: 0x4c00040an,
  byte: 0x4c00010dn,
  sum: 0x58000003n,
  errorsReturn: 0x54000001n,
  inPlace: 0xffff_ffff_ffff_ffffn,
};

const STANDARD: MpiConstants = {
  world: 0x101n,
  float: 0x210n,
  byte: 0x247n,
  sum: 0x21n,
  errorsReturn: 0x142n,
  inPlace: 1n,
};

/**
 * The constants of a family.
 *
 * @param addressOf Gives the address of a variable of the library.
 */
export function constantsOf(family: MpiFamily, addressOf: (variable: string) => bigint): MpiConstants {
  if (family === "MPICH") return MPICH;
  if (family === "the standard's interface") return STANDARD;
  return {
    world: addressOf("ompi_mpi_comm_world"),
    float: addressOf("ompi_mpi_float"),
    byte: addressOf("ompi_mpi_byte"),
    sum: addressOf("ompi_mpi_op_sum"),
    errorsReturn: addressOf("ompi_mpi_errors_return"),
    inPlace: 1n,
  };
}
