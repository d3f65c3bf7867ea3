import { assert, assertEquals } from "@std/assert";
import { f32 } from "../../graph/shape.ts";
import { lazyVariant, preferIf } from "./lazy_variant.ts";

Deno.test("a lazy variant makes its kernels once, and not before they are read", () => {
  let made = 0;
  const given = { name: "tiles", workspace: [f32([3])], transient: [0] };
  const variant = lazyVariant(given, () => {
    made++;
    return [{ wgsl: "", bindings: [], workgroups: [1, 1, 1] }];
  });
  const preferred = preferIf(variant, true);
  const { name, workspace, transient } = preferred;
  assertEquals([{ name, workspace, transient }, preferred.preferred, made], [given, true, 0]);
  assert(preferred.kernels === variant.kernels);
  assertEquals([preferred.kernels.length, made], [1, 1]);
});
