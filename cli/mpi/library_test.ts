import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeviceError } from "../../core/mod.ts";
import { libraryNames, openLibrary } from "./library.ts";

Deno.test("libraryNames() tries the family of the launcher first, and what is given alone", () => {
  assertEquals(libraryNames("linux", undefined, { openMpi: "2" })[0], "libmpi.so.40");
  assertEquals(libraryNames("linux", undefined, { mpich: "2" })[0], "libmpich.so.12");
  // Open MPI's launcher sets the variables of both where it has the older interface too.
  assertEquals(libraryNames("linux", undefined, { openMpi: "2", mpich: "2" })[0], "libmpi.so.40");
  const both = [{ openMpi: "2" }, { mpich: "2" }].map((launcher) =>
    libraryNames("linux", undefined, launcher).toSorted()
  );
  assertEquals(both[0], both[1]);
  assertEquals(libraryNames("linux", "/opt/libmpi.so", { openMpi: "2" }), ["/opt/libmpi.so"]);
  assert(libraryNames("darwin", undefined, {}).includes("/opt/homebrew/lib/libmpi.dylib"));
  assertEquals(libraryNames("windows", undefined, {}), []);
});

Deno.test("openLibrary() says which file is not MPI's library", () => {
  const open = () => openLibrary("/no/such/libmpi.so", {});
  assertThrows(open, DeviceError, "RESIDUA_MPI: /no/such/libmpi.so cannot be opened as MPI's library");
});
