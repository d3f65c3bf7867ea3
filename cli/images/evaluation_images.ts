/** Which images of a set are measured: a split of it, or all of it. */

import { DataError, elementCount, UsageError } from "../../core/mod.ts";
import { createLabels, type Dataset, FolderDataset, type ImageSet, MemoryDataset, PathList } from "../../data/mod.ts";
import { DiskFolder } from "../../files/mod.ts";
import { openOneList } from "../options/listed_data.ts";
import { type DataValues, folderOptions, openData } from "../options/image_options.ts";

/** The splits that can be asked for. */
export const SPLITS = ["train", "val", "test", "all"] as const;

/** A split's name. */
export type SplitName = (typeof SPLITS)[number];

/** The images that are measured. */
export interface EvaluationImages {
  /** What the set is called, for people. */
  readonly name: string;
  /** The names of its classes. */
  readonly classes: readonly string[];
  /** Channels, height and width of its images as they are in memory; of image files, as the network sees them. */
  readonly shape: readonly [number, number, number];
  /** The split. */
  readonly split: SplitName;
  /** What its images are called, for people. */
  readonly about: string;
  /** The images. */
  readonly images: Dataset;
  /** The training images, where there are some. */
  readonly train?: Dataset;
  /** Whether its classes may be positions among the network's, as the numbers of tables often are. */
  readonly numbered?: boolean;
}

/** What is to be measured. */
export type EvaluationValues = DataValues & {
  /** Which images. Defaults to what the set has. */
  readonly split?: SplitName;
  /** A table of the images, instead. */
  readonly list?: string;
};

/** How folders are called that hold nothing but images to measure. */
const MEASURED: readonly (readonly [SplitName, RegExp])[] = [
  ["test", /^(?:seg_)?test(?:ing)?$/i],
  ["val", /^(?:seg_)?val(?:id|idation)?$/i],
];

/**
 * Opens the images to measure.
 *
 * @param values The options of the data; `split`: which images. Defaults to those for tests, else those for validation; else,
 * in a folder of classes alone that is not the network's own, to all.
 * @param size The height and width of what the network sees.
 * @param own Whether the network was trained on the set, so that only what was kept back from it is worth measuring.
 * @throws {UsageError} If the set has no such split.
 */
export async function openEvaluationImages(
  values: EvaluationValues,
  size: number,
  own: boolean,
): Promise<EvaluationImages> {
  if (values.list !== undefined) return await openTable(values.list, values, size);
  const isFolder = values.data !== "shapes" && values["train-list"] === undefined;
  const folders = isFolder ? await measuredFolders(values.data) : undefined;
  const opened = folders === undefined
    ? choose(await openData({ ...values, size }), values, own)
    : await openFolders(folders, values, size);
  if (opened.images.count > 0) return opened;
  throw new DataError(`${opened.name}: there are no ${opened.about}; ask for others with --split`);
}

async function openTable(list: string, values: EvaluationValues, size: number): Promise<EvaluationImages> {
  const { classes, images } = await openOneList(list, values, folderOptions({ ...values, size }));
  const numbered = classes.every((name) => /^\d+$/.test(name));
  return { name: list, classes, shape: [3, size, size], split: "all", about: aboutText("all"), images, numbered };
}

/** The folders of splits in a folder that holds no others. */
async function measuredFolders(data: string): Promise<ReadonlyMap<SplitName, string> | undefined> {
  const folders = (await new DiskFolder(data).list()).filter((name) => name.endsWith("/") && !name.startsWith("."));
  const found = new Map<SplitName, string>();
  for (const folder of folders) {
    const split = MEASURED.find(([, pattern]) => pattern.test(folder.slice(0, -1)))?.[0];
    if (split === undefined || found.has(split)) return undefined;
    found.set(split, folder.slice(0, -1));
  }
  return found.size === 0 ? undefined : found;
}

async function openFolders(
  folders: ReadonlyMap<SplitName, string>,
  values: EvaluationValues,
  size: number,
): Promise<EvaluationImages> {
  const split = values.split ?? (folders.has("test") ? "test" : "val"), { location } = new DiskFolder(values.data);
  const wanted = split === "all" ? [...folders.values()] : [folders.get(split)].filter((name) => name !== undefined);
  if (wanted.length === 0) throw noSplit(location, split, [...folders.keys(), "all"]);
  const sets = await Promise.all(
    wanted.map((folder) => openData({ ...values, data: `${location}/${folder}`, size })),
  );
  const classes = [...new Set(sets.flatMap(({ classes }) => classes))].sort();
  const parts = sets.flatMap((set) =>
    allOf(set).map((dataset) => ({
      dataset: expectFiles(dataset),
      labels: set.classes.map((name) => classes.indexOf(name)),
    }))
  );
  const images = joinFiles(location, parts, classes.length, values);
  return { name: location, classes, shape: [3, size, size], split, about: aboutText(split), images };
}

function choose(
  set: ImageSet,
  values: EvaluationValues,
  own: boolean,
): EvaluationImages {
  const { name, classes, shape, train, validation, test } = set, drawn = isDrawn(set, values);
  const split = values.split ?? (test !== undefined ? "test" : drawn === "of classes" && !own ? "all" : "val");
  const found = { name, classes, shape, split, about: aboutText(split), train };
  if (split === "train") return { ...found, images: train };
  if (split === "val") {
    return { ...found, images: validation, about: `${found.about}${drawn === undefined ? "" : " (a share, drawn)"}` };
  }
  if (split === "test") {
    const images = test ?? (isTest(set, values) ? validation : undefined);
    if (images === undefined) throw noSplit(name, split, ["train", "val", "all"]);
    return { ...found, images };
  }
  const all = allOf(set);
  if (all.every((dataset) => dataset instanceof MemoryDataset)) return { ...found, images: joinMemory(all, shape) };
  const labels = classes.map((_, label) => label);
  const parts = all.map((dataset) => ({ dataset: expectFiles(dataset), labels })),
    { location } = parts[0].dataset.source;
  return { ...found, images: joinFiles(location, parts, classes.length, values) };
}

function allOf({ train, validation, test }: ImageSet): readonly Dataset[] {
  return [train, validation, ...(test === undefined ? [] : [test])];
}

/** Whether validation images were drawn from the folders of the training images: one for training, or those of classes. */
function isDrawn(
  { train, validation, classes }: ImageSet,
  { "train-list": trainList, "val-list": list }: EvaluationValues,
): "of train" | "of classes" | undefined {
  if (trainList !== undefined) return list === undefined ? "of train" : undefined;
  if (!(train instanceof FolderDataset && validation instanceof FolderDataset) || train.count === 0) return undefined;
  const [first] = train.files.at(0).split("/");
  if (first.normalize("NFC") === classes[train.labels[0]].normalize("NFC")) return "of classes";
  return validation.count > 0 && validation.files.at(0).split("/")[0] === first ? "of train" : undefined;
}

/** Whether what is validated on is the set's test images: in memory sets have no others, and folders may be called so. */
function isTest({ validation }: ImageSet, { data, "train-list": list }: EvaluationValues): boolean {
  if (list !== undefined) return false;
  if (!(validation instanceof FolderDataset)) return data !== "shapes";
  return validation.count > 0 && MEASURED[0][1].test(validation.files.at(0).split("/")[0]);
}

function aboutText(split: SplitName): string {
  return { train: "training images", val: "validation images", test: "test images", all: "images" }[split];
}

function noSplit(name: string, split: SplitName, others: readonly SplitName[]): UsageError {
  return new UsageError(`--split ${split}: ${name} has no such images; it has ${others.join(", ")}`);
}

function expectFiles(dataset: Dataset): FolderDataset {
  if (dataset instanceof FolderDataset) return dataset;
  throw new DataError("--split all: expected image files in a folder for each class; measure the splits one by one");
}

/** Files of one folder or of folders in it, in the order of their classes and paths. */
function joinFiles(
  location: string,
  parts: readonly {
    readonly dataset: FolderDataset;
    /** The class of each class of the part. */
    readonly labels: readonly number[];
  }[],
  classes: number,
  values: DataValues,
): FolderDataset {
  const files = parts.flatMap(({ dataset, labels }) => {
    const { location: own } = dataset.source, prefix = own === location ? "" : `${own.slice(location.length + 1)}/`;
    return [...dataset.files].map((path, k) => ({ path: prefix + path, label: labels[dataset.labels[k]] }));
  });
  files.sort((a, b) => a.label - b.label || (a.path < b.path ? -1 : 1));
  const labels = createLabels(files.length, classes);
  files.forEach(({ label }, k) => labels[k] = label);
  return new FolderDataset(
    new DiskFolder(location),
    PathList.from(files.map(({ path }) => path)),
    labels,
    folderOptions(values),
  );
}

function joinMemory(parts: readonly MemoryDataset[], shape: readonly [number, number, number]): MemoryDataset {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const pixels = new Uint8Array(count * elementCount(shape)), labels = new Uint32Array(count);
  let at = 0;
  for (const part of parts) {
    pixels.set(part.pixels, at * elementCount(shape));
    labels.set(part.labels, at);
    at += part.count;
  }
  return new MemoryDataset(shape, pixels, labels);
}
