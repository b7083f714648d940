// Which addresses are not on the public internet, and a DNS look-up that gives only those that are.
//
// Owns: the list of ranges, the check before and after DNS. Does not own: connecting (http-client.ts), what a refusal means.
//
// Invariants:
//   N1. The addresses checked are the very ones connected to: the look-up hands on what it checked, so a name that
//       answers otherwise a moment later (DNS rebinding) gains nothing.

import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** IANA's special-purpose IPv4 ranges, multicast and reserved ones included. */
const PRIVATE_V4: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Unspecified, loopback and IPv4-compatible; local NAT64; discard; Teredo; documentation; unique local; link-local; site-local; multicast. */
const PRIVATE_V6: readonly (readonly [address: string, prefix: number])[] = [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

/**
 * IPv6 ranges that hold an IPv4 address: NAT64, where it ends the address, and 6to4, where it follows 2002. IPv4-mapped
 * addresses BlockList itself takes for what they are.
 */
function embedded(address: string, prefix: number): readonly (readonly [address: string, prefix: number])[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  return [
    [`64:ff9b::${groups}`, 96 + prefix],
    [`2002:${groups}::`, 16 + prefix],
  ];
}

const privateAddresses = new BlockList();
for (const [address, prefix] of PRIVATE_V4) {
  privateAddresses.addSubnet(address, prefix, 'ipv4');
  for (const [inV6, prefixInV6] of embedded(address, prefix)) privateAddresses.addSubnet(inV6, prefixInV6, 'ipv6');
}
for (const [address, prefix] of PRIVATE_V6) privateAddresses.addSubnet(address, prefix, 'ipv6');

/** Whether the IP address is private, loopback, link-local or otherwise not public. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.split('%', 1)[0]!;
  const family = isIP(plain);
  return family === 0 || privateAddresses.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a URL's host says by itself, without DNS, that it is private; names may turn out so later. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  return isIP(host) === 0 ? host === 'localhost' || host.endsWith('.localhost') : isPrivateAddress(host);
}

export class PrivateAddressError extends Error {
  override name = 'PrivateAddressError';
}

/** Looks names up like `lookup`, and gives the public addresses only; PrivateAddressError when there are none (N1). */
export function publicLookup(lookup: LookupFunction = systemLookup as LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, []);
        return;
      }
      const addresses = (found as LookupAddress[]).filter(({ address }) => !isPrivateAddress(address));
      const [first] = addresses;
      if (first === undefined) callback(new PrivateAddressError('the address is private'), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
