import { describe, expect, it } from '@jest/globals'
import { mayLeavePrefix } from '../../../shared/http/path-prefix.ts'

describe('A path that a server could read as leaving its prefix', () => {
  it.each([
    '/wait/../admin',
    '/wait/%2e%2e/admin',
    '/wait/.%2E/admin',
    '/wait/%252e%252e/admin',
    '/wait/..%2fadmin',
    // A servlet container removes the parameter of a segment first.
    '/wait/..;/admin',
    '/wait/..;x=1/admin',
    '/wait/..%3b/admin',
    '/wait/%2e%2e;/admin',
    '/wait/..%253Bx/admin',
    '/wait/%c0%ae%c0%ae/admin',
    '/wait/..%c0%af/admin',
    '/wait/%e0%80%ae/admin',
    '/wait/%25c0%25ae/admin',
    '/wait/..%5cadmin',
    '/wait/.;/admin',
    '/wait/%25%32%65%25%32%65/admin',
    '/wait/%2%35%32%65/admin',
    '/wait/%u002e%u002e/admin',
    '/wait/%25u002e./admin',
    '/wait/..%20/admin',
    '/wait/..%00/admin',
    '/wait/.%09./admin',
  ])('%s is recognized', (path) => {
    expect(mayLeavePrefix(path)).toBe(true)
  })

  it.each([
    '/wait/7',
    '/wait/a..b',
    '/wait/...',
    '/wait/..a',
    '/wait/a;b=c',
    '/wait/%C3%BC',
    '/wait/a%2Fb',
    '/wait/%',
    '/wait/100%25',
    '/wait/%E2%82%AC%20x',
    '/wait/a%3Db',
  ])('%s is not one', (path) => {
    expect(mayLeavePrefix(path)).toBe(false)
  })
})
