import { expect, test } from 'vitest'
import { brokerTime } from './broker-time.ts'

test.each([
  ['1795399911193896908', '2026-11-23T02:11:51.193896908Z'],
  ['1795399911210006990', '2026-11-23T02:11:51.21000699Z'],
  ['1795399860000000001', '2026-11-23T02:11:00.000000001Z'],
  ['1795399860000000000', '2026-11-23T02:11:00Z'],
])('%s is %s', (ns, text) => expect(brokerTime(BigInt(ns))).toBe(text))
