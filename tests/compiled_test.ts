/**
 * No kernel that ResNet-20 runs by default spills registers on AMD's RDNA 2 and on Intel's Xe, by Mesa's compilers. Tried with
 * `deno task test:all`, where what `bench:compiled` needs is there.
 */

import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { ALL } from "./_all.ts";

const NEEDED = [
  "/usr/bin/cc",
  "/usr/include/vulkan/vulkan.h",
  "/usr/include/xf86drm.h",
  "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/intel_icd.x86_64.json",
];

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

for (const family of ["navi21", "tgl"]) {
  Deno.test({
    name: `no default kernel of ResNet-20 spills registers on ${family}`,
    ignore: !ALL || !NEEDED.every(exists),
    async fn() {
      const root = fileURLToPath(new URL("..", import.meta.url));
      const args = ["run", "-A", "--no-check", "--config", `${root}deno.offline.json`];
      const command = [...args, `${root}bench/gpu/compiled/main.ts`, "--family", family, "--model", "resnet20"];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: command }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      assertMatch(new TextDecoder().decode(stdout), /^.+, \d{2,} kernels, 0 of which spill registers\n/);
    },
  });
}
