import type { Context } from 'koa'
import { expect, test } from 'vitest'
import { addressOf } from './client-address.ts'

const request = (remoteAddress: string, forwarded = '') =>
  ({ get: () => forwarded, req: { socket: { remoteAddress } } }) as unknown as Context

test.each([
  ['10.0.0.7', '10.0.0.7'],
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is counted as %s', (address, key) => {
  expect(addressOf(request(address), false)).toBe(key)
})

test('what a client says of itself is believed of our own proxy alone', () => {
  expect(addressOf(request('10.0.0.7', '1.2.3.4'), false)).toBe('10.0.0.7')
  expect(addressOf(request('10.0.0.7', '1.2.3.4'), true)).toBe('1.2.3.4')
  expect(addressOf(request('10.0.0.7', '9.9.9.9, 1.2.3.4'), true)).toBe('1.2.3.4')
  expect(addressOf(request('10.0.0.7', 'x'.repeat(9_000)), true)).toBe('10.0.0.7')
})
