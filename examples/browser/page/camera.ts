/** The camera: one stream for whoever shows it, and single frames of it as files. */

/** The longer side of a frame, in pixels, and the quality of its JPEG. */
const LONGER = 640, QUALITY = 0.92;

let stream: Promise<MediaStream> | undefined;

/** A video of the camera, which is asked for once. */
export async function openCamera(): Promise<HTMLVideoElement> {
  stream ??= navigator.mediaDevices?.getUserMedia({ video: { width: { ideal: LONGER } } }) ??
    Promise.reject(new Error());
  try {
    const video = document.createElement("video");
    video.muted = video.playsInline = true;
    video.srcObject = await stream;
    await video.play();
    return video;
  } catch {
    stream = undefined;
    throw new Error("The camera cannot be used: there is none, another program has it, or this page may not use it.");
  }
}

/** Switches the camera off once nobody shows it. */
export async function closeCamera(): Promise<void> {
  if (document.querySelector("video") !== null || stream === undefined) return;
  const open = stream;
  stream = undefined;
  for (const track of (await open).getTracks()) track.stop();
}

/** The frame that a video shows, as a file. */
export async function takeFrame(video: HTMLVideoElement, name: string): Promise<File> {
  const { videoWidth: width, videoHeight: height } = video, times = Math.min(1, LONGER / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * times);
  canvas.height = Math.round(height * times);
  canvas.getContext("2d")!.drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (blob === null) throw new Error("The camera gave no picture.");
  return new File([blob], name, { type: blob.type });
}
