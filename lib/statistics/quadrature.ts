// Integrals over panels, by Gauss's points: the whole of a panel, and up to each of its points.
//
// Owns: points, weights, and the matrix of partial integrals. Does not own: where panels lie.

/** Polynomials up to degree 31 are integrated exactly; bell curves over one deviation to 16 digits. */
const POINTS = 16;

/** On [-1, 1]. */
export interface Panel {
  readonly points: Float64Array;
  readonly weights: Float64Array;
  /** Row i: what the values at the points are multiplied by for the integral from -1 to point i. */
  readonly partial: readonly Float64Array[];
}

export const PANEL: Panel = panelOf(POINTS);

function panelOf(size: number): Panel {
  const points = new Float64Array(size);
  const weights = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    // The roots of the Legendre polynomial, by Newton's method from Tricomi's estimate.
    let x = -Math.cos((Math.PI * (i + 0.75)) / (size + 0.5));
    for (let step = 0; step < 10; step++) x -= legendre(size, x) / slope(size, x);
    points[i] = x;
    weights[i] = 2 / ((1 - x * x) * slope(size, x) ** 2);
  }
  // The interpolating polynomial is a sum of Legendre's with the coefficients (k + 1/2) Σ w f P_k, whose integrals from -1
  // are (P_(k+1) - P_(k-1)) / (2k + 1), and x + 1 for k = 0.
  const partial = Array.from(points, (x) =>
    Float64Array.from(points, (other, j) => {
      let sum = (x + 1) / 2;
      for (let k = 1; k < size; k++) sum += (legendre(k, other) * (legendre(k + 1, x) - legendre(k - 1, x))) / 2;
      return sum * weights[j]!;
    }),
  );
  return { points, weights, partial };
}

function legendre(degree: number, x: number): number {
  let [before, value] = [1, x];
  if (degree === 0) return before;
  for (let k = 1; k < degree; k++) [before, value] = [value, ((2 * k + 1) * x * value - k * before) / (k + 1)];
  return value;
}

function slope(degree: number, x: number): number {
  return (degree * (x * legendre(degree, x) - legendre(degree - 1, x))) / (x * x - 1);
}
