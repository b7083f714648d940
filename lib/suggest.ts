// "Did you mean": the known word nearest to one that is not known.

/** The candidate nearest to `word`, or null when none is near enough to be what was meant. */
export function nearestWord(word: string, candidates: Iterable<string>): string | null {
  // A third of the letters may differ: enough for a typo or a plural, too few to suggest another word.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  let best: string | null = null;
  for (const candidate of candidates) {
    if (candidate.toLowerCase() === word.toLowerCase()) return candidate;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** `did you mean "x"?`, or the fallback when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>, fallback: string | null = null): string | null {
  const nearest = nearestWord(word, candidates);
  return nearest === null ? fallback : `did you mean "${nearest}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
