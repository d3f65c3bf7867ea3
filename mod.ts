/**
 * Residua trains and runs residual networks on WebGPU and on the CPU.
 *
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 *
 * using backend = await openBackend("auto");
 * const { bestTop1 } = await fit({ model: modelByName("resnet8"), backend, set: shapesSet(), epochs: 1, batch: 32 });
 * console.log(bestTop1);
 * ```
 *
 * These names are what programs that train and predict need, and are meant to stay. `@residua/residua/core` and
 * `@residua/residua/ops` are for authors of ops, `…/blocks` and `…/models` for authors of networks; `…/data`, `…/weights`,
 * `…/inference` and `…/train` have the parts of which these functions are made. What needs the disk or a package stands in
 * `…/disk`, `…/images`, `…/onnx` and `…/plots`; `…/cli` is the command line.
 *
 * @module
 */

// Backends, errors, what networks record in.
export {
  type Advice,
  type Backend,
  type BackendChoice,
  type Capacity,
  DataError,
  DeviceError,
  type DType,
  f32,
  Graph,
  type KernelTable,
  NumericError,
  openBackend,
  OutOfMemoryError,
  parseKernelTable,
  type Precision,
  Random,
  ResiduaError,
  type Shape,
  ShapeError,
  type TableEntry,
  type TensorSpec,
  type TuneComparison,
  type TunedChoice,
  type TuneOptions,
  type TunerStore,
  TuningTable,
  UsageError,
  type Value,
} from "./core/mod.ts";

// Blocks of networks.
export {
  type Activation,
  type Block,
  bottleneckBlock,
  type BottleneckOptions,
  classifierHead,
  type ClassifierHeadOptions,
  convNorm,
  type ConvNormOptions,
  type ConvolutionOptions,
  type Downsampling,
  type HeInitialization,
  invertedResidualBlock,
  type InvertedResidualOptions,
  residualBlock,
  type ResidualOptions,
  type Shortcut,
} from "./blocks/mod.ts";

// Networks.
export {
  type ImageNetResNetOptions,
  type Layer,
  type MobileNetV2Options,
  type Model,
  MODEL_NAMES,
  modelByName,
  type ModelOptions,
  sequential,
  type SequentialModel,
} from "./models/mod.ts";

// Images.
export {
  type Augmentation,
  augmentationByName,
  type ColourComponents,
  type DataIdentity,
  type Dataset,
  type DecodedImage,
  defaultPreprocessing,
  type FileSource,
  type ImageFolderOptions,
  type ImageInput,
  IMAGENET_NORMALISATION,
  type ImageSet,
  type ImageSplit,
  ImageStatistics,
  type ImageTransform,
  type Labels,
  measureImages,
  MemoryDataset,
  type Mixture,
  type MixtureOptions,
  type Normalisation,
  NORMALISATIONS,
  openImageSet,
  type Preprocessing,
  type RandAugmentOptions,
  type ShapesOptions,
  shapesSet,
} from "./data/mod.ts";

// Weights and checkpoints.
export {
  type Checkpoint,
  type CheckpointInfo,
  decodeCheckpoint,
  encodeCheckpoint,
  type MismatchedHead,
  mismatchedHead,
  type ModelDescription,
  type NamedTensor,
  type Progress,
} from "./weights/mod.ts";

// Predicting and evaluating.
export {
  evaluateLogits,
  type Evaluation,
  LoadedModel,
  loadModel,
  type LoadModelOptions,
  type ModelSource,
  type Prediction,
  type PredictOptions,
  type RankedClass,
} from "./inference/mod.ts";

// Training.
export {
  type Callback,
  type CheckpointOptions,
  constantSchedule,
  cosineSchedule,
  type DecayedParameters,
  type EpochEvent,
  exponentialSchedule,
  fit,
  type FitOptions,
  type FitResult,
  linearWarmUp,
  type MetricsLine,
  oneCycleSchedule,
  type Optimizer,
  type PlateauOptions,
  plateauSchedule,
  type ProfilingOptions,
  type ResumableCheckpoint,
  rmspropOptimizer,
  type RmspropOptions,
  RunFolder,
  type RunMemory,
  type RunStore,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
  SCHEDULES,
  sgdOptimizer,
  type SgdOptions,
  type StartEvent,
  type StepEvent,
  stepSchedule,
} from "./train/mod.ts";
