import { expect, test } from 'vitest'
import { ConfigError, parseConfig } from '#shared/process/config.ts'
import { signatureHeaders, webhookSecretsSetting } from './callback-signature.ts'

const secretOf = (bytes: number, fill = 1) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`
const read = (WEBHOOK_SECRET?: string) =>
  parseConfig({ WEBHOOK_SECRET: webhookSecretsSetting() }, { WEBHOOK_SECRET }).WEBHOOK_SECRET

test('signs as the example of Standard Webhooks does', () => {
  const secrets = read('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  expect(signatureHeaders(secrets, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}')).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('takes none, one, or two secrets of 24 to 64 bytes', () => {
  expect(read()).toEqual([])
  expect(read(secretOf(24))).toHaveLength(1)
  expect(read(`${secretOf(32)},\n ${secretOf(64, 2)}`)).toHaveLength(2)
})

test.each([
  'secret',
  secretOf(23),
  secretOf(65),
  `${secretOf(24)} x`,
  `${secretOf(24)} ${secretOf(25)} ${secretOf(26)}`,
  'whsec_!!!',
])('refuses a bad secret without saying it (%#)', (bad) => {
  expect(() => read(bad)).toThrow(ConfigError)
  expect(() => read(bad)).toThrow(/^WEBHOOK_SECRET: expected [^\n]*, got something that is not shown$/)
})
