import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** This machine, its neighbours, and what a cloud tells its machines in confidence. */
const reservedIpv4: [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
  // The metadata services of Alibaba and Azure, which a network may reach.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
]
const reservedIpv6: [network: string, prefix: number][] = [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::', 32],
  // IPv4 within IPv6; that of IPv4-mapped addresses is checked by BlockList itself.
  ['2002::', 16],
  ['64:ff9b:1::', 48],
  ...['64:ff9b::', '::', '::ffff:0:'].flatMap((before) =>
    reservedIpv4.map(([network, prefix]): [string, number] => [`${before}${network}`, 96 + prefix]),
  ),
]

const reserved = new BlockList()
for (const [network, prefix] of reservedIpv4) reserved.addSubnet(network, prefix)
for (const [network, prefix] of reservedIpv6) reserved.addSubnet(network, prefix, 'ipv6')

/**
 * Loopback, link-local, metadata and multicast addresses, also as IPv4 within IPv6. Private networks are not among them: load tests
 * of internal services are what the generator is for.
 */
export function isReserved(address: string): boolean {
  return reserved.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Looks names up as Node does, and fails for a name that leads to a reserved address: whoever owns a name decides where it
 * leads, also after it was checked. An address itself is never looked up, and `localhost` has only one meaning: who allows
 * those means them.
 */
export const lookupPublic: LookupFunction = (host, options, done) => {
  lookup(host, options, (error, address, family) => {
    const found = error ? [] : Array.isArray(address) ? address.map((one) => one.address) : [address]
    const wrong = host === 'localhost' ? undefined : found.find(isReserved)
    if (wrong === undefined) done(error, address, family)
    else done(new Error(`${host} leads to ${wrong}, which is called only where the connection allows that address`), '')
  })
}
