// Counters by name and labels. Names and labels are few and never user data.

export type Labels = Readonly<Record<string, string>>;

export class Counters {
  readonly #plain = new Map<string, number>();
  readonly #labelled = new Map<string, Map<string, { labels: Labels; count: number }>>();

  add(name: string, labels?: Labels, amount = 1): void {
    if (labels === undefined) {
      this.#plain.set(name, (this.#plain.get(name) ?? 0) + amount);
      return;
    }
    let series = this.#labelled.get(name);
    if (series === undefined) this.#labelled.set(name, (series = new Map()));
    const id = Object.values(labels).join('\0');
    const entry = series.get(id);
    if (entry === undefined) series.set(id, { labels, count: amount });
    else entry.count += amount;
  }

  /** Total of a name over all its labels. */
  total(name: string): number {
    let total = this.#plain.get(name) ?? 0;
    for (const { count } of this.#labelled.get(name)?.values() ?? []) total += count;
    return total;
  }

  /** Counts of a name by one of its labels. */
  by(name: string, label: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { labels, count } of this.#labelled.get(name)?.values() ?? []) {
      const value = labels[label] ?? '';
      counts.set(value, (counts.get(value) ?? 0) + count);
    }
    return counts;
  }

  /** All of them as data. */
  *samples(): Generator<{ readonly name: string; readonly labels: Labels; readonly value: number }> {
    for (const [name, value] of this.#plain) yield { name, labels: {}, value };
    for (const [name, series] of this.#labelled) {
      for (const { labels, count } of series.values()) yield { name, labels, value: count };
    }
  }

  /** All of them, as `name` or `name{label=value,…}`, in order of name. */
  toJSON(): Readonly<Record<string, number>> {
    const counts = [...this.#plain];
    for (const [name, series] of this.#labelled) {
      for (const { labels, count } of series.values()) {
        const text = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
        counts.push([`${name}{${text.join(',')}}`, count]);
      }
    }
    return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
