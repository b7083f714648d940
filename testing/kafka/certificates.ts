// Certificates for a test's brokers and clients, made anew by `openssl` for each: an authority, and what it signed.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** A certificate for `name` as CN, good for 127.0.0.1 and localhost. */
  sign(name: string): Certificate;
  /** The same in one file, as a broker's PEM key store. */
  keyStore(name: string): string;
}

const COMMON = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** Files go to `folder`. Throws when openssl is missing or refuses. */
export function certificateAuthority(folder: string, name: string): Authority {
  const caFile = join(folder, `${name}.pem`);
  const caKey = join(folder, `${name}.key`);
  openssl('-subj', `/CN=${name}`, '-keyout', caKey, '-out', caFile, '-addext', 'keyUsage=keyCertSign');
  const sign = (subject: string): Certificate => {
    const [cert, key] = [join(folder, `${name}-${subject}.pem`), join(folder, `${name}-${subject}.key`)];
    const alternative = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
    openssl(
      '-CA',
      caFile,
      '-CAkey',
      caKey,
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      key,
      '-out',
      cert,
      '-addext',
      alternative,
    );
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  return {
    ca: readFileSync(caFile, 'utf8'),
    caFile,
    sign,
    keyStore: (subject) => {
      const { cert, key } = sign(subject);
      const file = join(folder, `${name}-${subject}-store.pem`);
      writeFileSync(file, key + cert);
      return file;
    },
  };
}

function openssl(...words: string[]): void {
  execFileSync('openssl', [...COMMON, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}
