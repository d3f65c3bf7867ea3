import { assertEquals, assertThrows } from "@std/assert";
import { DeviceError } from "../../core/mod.ts";
import { constantsOf, familyOf } from "./constants.ts";

Deno.test("familyOf() knows the libraries whose constants are known, and refuses others by name", () => {
  const of = (version: string, abi?: number) => familyOf(version, abi, "libmpi.so");
  // As these libraries say it of themselves.
  assertEquals(
    of("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022"),
    "Open MPI",
  );
  assertEquals(of("Open MPI v5.0.3, package: Open MPI"), "Open MPI");
  assertEquals(of("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7 12:34:45 CDT 2022"), "MPICH");
  assertEquals(of("Intel(R) MPI Library 2021.11 for Linux* OS\n"), "MPICH");
  assertEquals(of("MPI VERSION    : CRAY MPICH version 8.1".slice("MPI VERSION    : ".length)), "MPICH");
  assertEquals(of("MPICH Version:\t4.3.0", 1), "the standard's interface");
  assertEquals(of("MPICH Version:\t4.3.0", -1), "MPICH");
  assertThrows(
    () => of("Microsoft MPI 10.1.12498.18"),
    DeviceError,
    "libmpi.so calls itself Microsoft MPI 10.1.12498.18; expected Open MPI from 3.0, MPICH or what is built on it",
  );
  assertThrows(() => of("Open MPI v1.10.7, package: old"), DeviceError, "expected Open MPI from 3.0");
});

Deno.test("constantsOf() asks Open MPI for addresses, and no other", () => {
  const asked: string[] = [];
  const addressOf = (name: string) => BigInt(asked.push(name));
  assertEquals([constantsOf("MPICH", addressOf).world, constantsOf("the standard's interface", addressOf).world], [
    0x44000000n,
    0x101n,
  ]);
  assertEquals(asked, []);
  assertEquals(constantsOf("Open MPI", addressOf).world, 1n);
  assertEquals(asked.length, 5);
});
