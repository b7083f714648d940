// An output that the log would refuse, and the commit that holds it with it: what led to it is taken back (task.ts, X4).

export class OutputTooLarge extends Error {
  override name = 'OutputTooLarge';

  /** `topic`: where it would go. */
  constructor(topic: string, bytes: number, bytesMax: number) {
    super(`what comes of it for ${topic} has ${bytes} bytes, at most ${bytesMax} are taken`);
  }
}
