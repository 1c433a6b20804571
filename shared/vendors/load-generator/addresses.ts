import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Loopback, link-local, multicast and metadata addresses. */
const RESERVED_IPV4: [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
  // The metadata services of Alibaba Cloud and Azure.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
]
const RESERVED_IPV6: [network: string, prefix: number][] = [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::', 32],
  // IPv4 embedded in IPv6. BlockList itself checks IPv4-mapped addresses.
  ['2002::', 16],
  ['64:ff9b:1::', 48],
  ...['64:ff9b::', '::', '::ffff:0:'].flatMap((start) =>
    RESERVED_IPV4.map(([network, prefix]): [string, number] => [`${start}${network}`, 96 + prefix]),
  ),
]

const reserved = new BlockList()
for (const [network, prefix] of RESERVED_IPV4) reserved.addSubnet(network, prefix)
for (const [network, prefix] of RESERVED_IPV6) reserved.addSubnet(network, prefix, 'ipv6')

/**
 * Returns whether an address is loopback, link-local, multicast or a metadata service. Private networks are not reserved,
 * because the generator must be able to test internal services.
 */
export function isReserved(address: string): boolean {
  return reserved.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Resolves a host name like Node.js, but fails if the address is reserved. The owner of a name can change its address at any
 * time. Node.js does not resolve IP addresses, and `localhost` is always local, so allowing them is a decision.
 */
export const lookupPublic: LookupFunction = (host, options, done) => {
  lookup(host, options, (error, address, family) => {
    const addresses = error ? [] : Array.isArray(address) ? address.map((entry) => entry.address) : [address]
    const blocked = host === 'localhost' ? undefined : addresses.find(isReserved)
    if (blocked === undefined) done(error, address, family)
    else done(new Error(`${host} resolves to ${blocked}, which the connection must allow by its address`), '')
  })
}
