/** What names of classes tell, and the classes of known sets whose files do not name them. */

import type { FileSource } from "./file_source.ts";

/** How a set is recognised by the name of its folder, and its classes in the order of their labels, as torchvision has them. */
const KNOWN: readonly (readonly [folder: RegExp, classes: readonly string[]])[] = [
  [/fashion/i, [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ]],
  [/kmnist|kuzushiji/i, ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]],
];

/** The classes of CIFAR-10. */
export const CIFAR10_CLASSES: readonly string[] = "airplane automobile bird cat deer dog frog horse ship truck".split(
  " ",
);

/** The fine classes of CIFAR-100. */
export const CIFAR100_CLASSES: readonly string[] = (
  "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can " +
  "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin " +
  "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard " +
  "lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear " +
  "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark " +
  "shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone " +
  "television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
).split(" ");

/** The end of a folder's path that names a set: the folder and the one above it, for `FashionMNIST/raw`. */
function lastNames({ location }: FileSource): string {
  return location.split(/[\\/]/).slice(-2).join("/");
}

/**
 * The names of the classes of an IDX set, or their numbers where the folder's name is of none that is known.
 *
 * @param files The folder.
 * @param count The number of classes.
 */
export function idxClasses(files: FileSource, count: number): readonly string[] {
  const known = KNOWN.find(([folder, classes]) => classes.length === count && folder.test(lastNames(files)));
  return known?.[1] ?? numbers(count);
}

/**
 * The names of the classes of a CIFAR set without a file of them, or their numbers where the folder is not called as the set.
 *
 * @param files The folder.
 * @param names The set's own names.
 */
export function cifarClasses(files: FileSource, names: readonly string[]): readonly string[] {
  return new RegExp(`cifar[-_ ]?${names.length}(?!\\d)`, "i").test(lastNames(files)) ? names : numbers(names.length);
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, label) => `${label}`);
}

/** Names of classes that are letters or numbers, whose mirror images are not. */
const GLYPH = /^(?:.|\d+)$/u;

/** Whether mirror images are taken to be of the same class, by the names of the classes. */
export function areMirrorable(classes: readonly string[]): boolean {
  return !classes.every((name) => GLYPH.test(name));
}
