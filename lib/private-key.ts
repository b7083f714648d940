// Whether a text is a private key, asked where settings are checked, so that a wrong one is seen before anything is signed.

import { createPrivateKey } from 'node:crypto';

/** In PEM, of any kind, without a passphrase. */
export function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
