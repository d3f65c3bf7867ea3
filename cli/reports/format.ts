/** Numbers as people read them. */

/** A duration as people read it: `1:05` or `2:03:07`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds)), two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A share from 0 to 1 as `12.50 %`. */
export function formatPercent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A loss in at most eight characters: four decimals as long as it is one that training may have. */
export function formatLoss(loss: number): string {
  return loss < 100 ? loss.toFixed(4) : loss < 10_000 ? loss.toFixed(2) : loss.toExponential(2);
}

/** A rate, in whole numbers from ten on. */
export function formatRate(rate: number): string {
  return rate.toFixed(rate < 10 ? 1 : 0);
}
