/** What the page and its worker say to each other. */

/** A class and the files of its photos. */
export interface ClassPhotos {
  readonly name: string;
  readonly photos: readonly File[];
}

/** What the user decides of a run; the rest is what suits the photos. */
export interface Settings {
  readonly backend: "auto" | "webgpu" | "cpu";
  readonly model?: string;
  /** The height and width at which photos are seen, in pixels. */
  readonly size?: number;
  readonly epochs?: number;
  readonly batch?: number;
  /** The highest learning rate. */
  readonly rate?: number;
}

/** What the page asks for. */
export type Request =
  | {
    readonly kind: "train";
    readonly classes: readonly ClassPhotos[];
    readonly settings: Settings;
    /** The weights to start from. */
    readonly weights?: File;
  }
  | { readonly kind: "stop" }
  /** Goes on with the last run. */
  | { readonly kind: "resume"; readonly settings: Settings }
  | { readonly kind: "open"; readonly weights: File; readonly settings: Settings }
  | { readonly kind: "classify"; readonly id: number; readonly image: File };

/** What takes time and can fail. */
export type Task = "train" | "open" | "classify";

/** What the worker answers. */
export type Answer =
  | { readonly kind: "hello"; readonly device: string; readonly models: readonly string[] }
  | { readonly kind: "activity"; readonly text: string; readonly done?: number; readonly total?: number }
  | { readonly kind: "started"; readonly text: string; readonly epochs: number }
  | {
    readonly kind: "step";
    readonly step: number;
    readonly totalSteps: number;
    readonly epoch: number;
    /** The batch's mean loss. */
    readonly loss: number;
    readonly imagesPerSecond: number;
    readonly secondsLeft: number;
  }
  | {
    readonly kind: "epoch";
    /** Epochs that are done. */
    readonly epoch: number;
    readonly trainLoss: number;
    readonly trainTop1: number;
    /** Of the photos that are held out, if there are any. */
    readonly validation?: { readonly loss: number; readonly top1: number };
    /** Whether its weights are kept as the best. */
    readonly isBest: boolean;
  }
  | {
    readonly kind: "ready";
    readonly text: string;
    readonly classes: readonly string[];
    /** The weights as a safetensors file. */
    readonly file: Uint8Array<ArrayBuffer>;
  }
  | {
    readonly kind: "classified";
    readonly id: number;
    /** The most probable classes, the best first. */
    readonly top: readonly { readonly label: string; readonly index: number; readonly probability: number }[];
  }
  | { readonly kind: "failed"; readonly task: Task; readonly id?: number; readonly message: string };
