// What a benchmark says, and how it takes the time.

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** Wall seconds of the work, and processor seconds of all threads of this process. */
export interface Elapsed {
  readonly wall: number;
  readonly cpu: number;
}

export async function elapsed(work: () => Promise<unknown>): Promise<Elapsed> {
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  await work();
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall, cpu: (user + system) / 1e6 };
}
