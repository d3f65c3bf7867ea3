/** The machine as a report names it. */

/** The properties of the machine that figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
  readonly deno: string;
  readonly v8: string;
}

async function cpuName(): Promise<string> {
  const text = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const field = (name: string) => text.match(new RegExp(`^${name}\\s*:\\s*(.*)$`, "m"))?.[1];
  if (field("model name") !== undefined) {
    return `${field("model name")} (family ${field("cpu family")}, model ${field("model")})`;
  }
  try {
    const { stdout } = await new Deno.Command("sysctl", { args: ["-n", "machdep.cpu.brand_string"] }).output();
    return new TextDecoder().decode(stdout).trim() || Deno.build.arch;
  } catch {
    // A command that is not there throws before there is a promise.
    return Deno.build.arch;
  }
}

/** Describes this machine. */
export async function describeMachine(): Promise<Machine> {
  return {
    cpu: await cpuName(),
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}
