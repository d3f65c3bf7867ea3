/** The image sets of the papers: a network is for the images and classes of one of them where nothing else is said. */

/** ImageNet's 1000 classes. */
export const IMAGENET: { readonly classes: number; readonly inputShape: readonly [number, number, number] } = {
  classes: 1000,
  inputShape: [3, 224, 224],
};

/** CIFAR-10. */
export const CIFAR: typeof IMAGENET = { classes: 10, inputShape: [3, 32, 32] };
