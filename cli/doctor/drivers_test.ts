import { assertEquals, assertMatch } from "@std/assert";
import { root, runDeno } from "../../tests/_launcher.ts";
import { driverAdvice, knownFaults } from "./drivers.ts";

Deno.test("driverAdvice() has a line for each system, and those of Linux for what is like it", () => {
  const systems = (os: typeof Deno.build.os) => driverAdvice(os).map(({ system }) => system);
  assertEquals(systems("linux"), ["Debian, Ubuntu", "Fedora", "Arch", "a container", "WSL"]);
  assertEquals(systems("freebsd"), systems("linux"));
  assertEquals([...systems("darwin"), ...systems("windows")], ["macOS", "Windows"]);
});

Deno.test("knownFaults() knows software adapters by their names, and nothing against others", () => {
  assertMatch(knownFaults("llvmpipe (LLVM 15.0.6, 256 bits)")[0], /65,535 iterations/);
  assertMatch(knownFaults("SwiftShader Device (Subzero)")[0], /compile/);
  assertEquals(knownFaults("NVIDIA H100 80GB HBM3"), []);
});

Deno.test("doctor says what to install where there is no adapter, within the width, and goes on to the CPU", async () => {
  // A loader without drivers; elsewhere than on Linux the system's own driver is found all the same.
  const env = { DENO_WEBGPU_BACKEND: "vulkan", VK_ICD_FILENAMES: "/dev/null", VK_DRIVER_FILES: "/dev/null" };
  const { code, stdout, stderr } = await runDeno(
    ["run", "--no-prompt", "--quiet", "--no-check", "--config", `${root}deno.offline.json`, "cli/main.ts", "doctor"],
    { env },
  );
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^CPU: [^]*\n {2}known answer: right/m);
  if (Deno.build.os !== "linux") return;
  assertMatch(
    stdout,
    /no adapter, since there is no driver that it can use\. What to install:\n {2}Debian, Ubuntu: apt/,
  );
  for (const { system } of driverAdvice("linux")) assertMatch(stdout, new RegExp(`^ {2}${system}: `, "m"));
  const [advice] = /What to install:\n([^]*?)\nWebGPU by/.exec(stdout)!.slice(1);
  assertEquals(advice.split("\n").filter((line) => line.length > 80), []);
  assertMatch(stdout, /--backend auto takes cpu\./);
});
