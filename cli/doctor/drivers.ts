/** What is known of drivers: which to install where there is none, and what is wrong with some. */

/** A system, and what WebGPU needs there. */
export interface DriverAdvice {
  /** What the system is called. */
  readonly system: string;
  /** What to do, in a sentence without its point. */
  readonly advice: string;
}

const LINUX: readonly DriverAdvice[] = [
  {
    system: "Debian, Ubuntu",
    advice:
      "apt install libvulkan1 mesa-vulkan-drivers for AMD, Intel and without a GPU; NVIDIA's own driver for NVIDIA",
  },
  {
    system: "Fedora",
    advice: "dnf install vulkan-loader mesa-vulkan-drivers, likewise",
  },
  {
    system: "Arch",
    advice:
      "pacman -S vulkan-icd-loader, and vulkan-radeon, vulkan-intel, nvidia-utils or, without a GPU, vulkan-swrast",
  },
  {
    system: "a container",
    advice: "the packages above in its image, and the GPU handed in: --device /dev/dri for AMD and Intel, " +
      "--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all for NVIDIA, whose toolkit brings the driver",
  },
  {
    system: "WSL",
    advice:
      "its packages are those of the distribution and give a software adapter; run Residua in Windows to use the GPU",
  },
];

/** What to install for WebGPU, by Deno's name of the system. Systems without a line of their own are as Linux is. */
export function driverAdvice(os: typeof Deno.build.os): readonly DriverAdvice[] {
  if (os === "darwin") {
    return [{
      system: "macOS",
      advice: "Metal is part of it, and nothing is to be installed; a virtual machine may have none",
    }];
  }
  if (os === "windows") {
    return [{ system: "Windows", advice: "the driver of the GPU's maker, which brings Direct3D 12 and Vulkan" }];
  }
  return LINUX;
}

/** What was found wrong with a driver. */
interface KnownDriver {
  /** Its adapters' names. */
  readonly name: RegExp;
  /** What is wrong, where it was found, and what follows. */
  readonly fault: string;
}

const KNOWN: readonly KnownDriver[] = [
  {
    name: /llvmpipe/i,
    fault: "a thread's loops end silently after 65,535 iterations (found in Mesa 22.3); Residua divides its sums, " +
      "and a kernel of your own must too",
  },
  {
    name: /swiftshader/i,
    fault: "large shaders compile slowly (found in the one that comes with Chromium)",
  },
];

/**
 * What is known to be wrong with a driver.
 *
 * @param adapter The adapter's name.
 */
export function knownFaults(adapter: string): string[] {
  return KNOWN.filter(({ name }) => name.test(adapter)).map(({ fault }) => fault);
}
