/** A GPU that computes finite numbers that are wrong: what some kernels have written is overwritten. */

/** How the results of a dispatch are wrong. */
export const WRONG_ANSWERS = ["zeros", "stale", "one element", "scaled"] as const;

/** A buffer that a bind group binds to be written. */
interface Written {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Which dispatches get it wrong, and how. */
export interface WrongAnswers {
  readonly how: (typeof WRONG_ANSWERS)[number];
  /** The names of the pipelines, which are those of ops and variants. */
  readonly pipelines: RegExp;
  /** The dispatches of these that are right before. Defaults to 0. */
  readonly after?: number;
}

/** Has a device answer wrongly from now on. */
export function answerWrongly(device: GPUDevice, { how, pipelines, after = 0 }: WrongAnswers): void {
  const { createComputePipelineAsync, createBindGroupLayout, createBindGroup, createCommandEncoder } =
    GPUDevice.prototype;
  const wrong = new WeakSet<GPUComputePipeline>(), written = new WeakMap<GPUBindGroup, readonly Written[]>();
  const layouts = new WeakMap<GPUBindGroupLayout, ReadonlySet<number>>();
  let dispatches = 0;
  device.createComputePipelineAsync = async (descriptor) => {
    const pipeline = await createComputePipelineAsync.call(device, descriptor);
    if (pipelines.test(descriptor.label ?? "")) wrong.add(pipeline);
    return pipeline;
  };
  device.createBindGroupLayout = (descriptor) => {
    const layout = createBindGroupLayout.call(device, descriptor), { entries } = descriptor;
    layouts.set(
      layout,
      new Set([...entries].filter(({ buffer }) => buffer?.type === "storage").map(({ binding }) => binding)),
    );
    return layout;
  };
  device.createBindGroup = (descriptor) => {
    const group = createBindGroup.call(device, descriptor), bindings = layouts.get(descriptor.layout)!;
    const buffers = [...descriptor.entries].filter(({ binding }) => bindings.has(binding)).map(({ resource }) => {
      const { buffer, offset = 0, size = buffer.size - offset } = resource as GPUBufferBinding;
      return { buffer, offset, size };
    });
    written.set(group, buffers);
    return group;
  };
  const spoil = spoiler(device, how);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder.call(device, descriptor), begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (passDescriptor) => {
      let pass = begin(passDescriptor), pipeline: GPUComputePipeline | undefined, group: GPUBindGroup | undefined;
      /** Does something to buffers between two dispatches. */
      const between = (work: () => void) => {
        pass.end();
        work();
        pass = begin();
        pass.setPipeline(pipeline!);
        pass.setBindGroup(0, group!);
      };
      return {
        setPipeline: (next: GPUComputePipeline) => pass.setPipeline(pipeline = next),
        setBindGroup: (index: number, next: GPUBindGroup) => pass.setBindGroup(index, group = next),
        dispatchWorkgroups(...extents: Parameters<GPUComputePassEncoder["dispatchWorkgroups"]>) {
          const isWrong = wrong.has(pipeline!) && dispatches++ >= after;
          const spoiled = isWrong ? written.get(group!)!.map((each) => spoil(encoder, each)) : [];
          if (isWrong) between(() => spoiled.forEach(({ before }) => before()));
          pass.dispatchWorkgroups(...extents);
          if (isWrong) between(() => spoiled.forEach(({ after }) => after()));
        },
        end: () => pass.end(),
      } as unknown as GPUComputePassEncoder;
    };
    return encoder;
  };
}

/** What makes a buffer wrong: work before the dispatch that writes it, and after. */
function spoiler(device: GPUDevice, how: WrongAnswers["how"]) {
  const { createBindGroup } = GPUDevice.prototype;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const create = (size: number) => GPUDevice.prototype.createBuffer.call(device, { size, usage });
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < arrayLength(&y)) { y[id.x] *= 1.01; }
}`;
  const compute = { module: device.createShaderModule({ code }), entryPoint: "main" };
  const scale = device.createComputePipeline({ layout: "auto", compute }), element = create(4);
  device.queue.writeBuffer(element, 0, Float32Array.of(0.125));
  return (encoder: GPUCommandEncoder, { buffer, offset, size }: Written) => {
    const kept = how === "stale" ? create(size) : undefined;
    const copy = (from: GPUBuffer, at: number, to: GPUBuffer, toAt: number) =>
      encoder.copyBufferToBuffer(from, at, to, toAt, size);
    return {
      before: () => kept && copy(buffer, offset, kept, 0),
      after() {
        if (kept !== undefined) return copy(kept, 0, buffer, offset);
        if (how === "zeros") return encoder.clearBuffer(buffer, offset, size);
        if (how === "one element") {
          return encoder.copyBufferToBuffer(element, 0, buffer, offset + (size >> 3 << 2), 4);
        }
        const entries = [{ binding: 0, resource: { buffer, offset, size } }];
        const pass = GPUCommandEncoder.prototype.beginComputePass.call(encoder);
        pass.setPipeline(scale);
        pass.setBindGroup(0, createBindGroup.call(device, { layout: scale.getBindGroupLayout(0), entries }));
        pass.dispatchWorkgroups(Math.ceil(size / 256));
        pass.end();
      },
    };
  };
}
