import { assert, assertEquals } from "@std/assert";
import { BufferUsage, MapMode, ShaderStage, TextureUsage } from "./constants.ts";

Deno.test("the flags are those of an implementation", () => {
  const flags = [[BufferUsage, GPUBufferUsage], [MapMode, GPUMapMode], [TextureUsage, GPUTextureUsage]] as const;
  for (const [ours, theirs] of [...flags, [ShaderStage, GPUShaderStage] as const]) {
    assert(Object.keys(ours).length > 0);
    for (const [name, value] of Object.entries(ours)) assertEquals([name, value], [name, Reflect.get(theirs, name)]);
  }
});
