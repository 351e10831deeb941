import { expect, test } from 'vitest'
import { ConfigError, parseConfig } from '#shared/process/config.ts'
import { serviceSettings, servicesOf, trustedHostsSetting } from './settings.ts'

const read = (env: Record<string, string>) =>
  parseConfig({ ...serviceSettings, OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting() }, env)

test('nothing is trusted and no service known where nothing is set', () => {
  expect(read({})).toEqual({ SERVICES: new Map(), OUTBOUND_TRUSTED_HOSTS: new Set() })
})

test('services have names and trusted hosts a port, written as a URL writes them', () => {
  const { SERVICES, OUTBOUND_TRUSTED_HOSTS } = read({
    SERVICES: 'shop=http://shop:3000/api, mail_2=https://mail.internal',
    OUTBOUND_TRUSTED_HOSTS: 'Hooks.Internal:80, 127.1:9000,[::1]:8080',
  })
  expect([...SERVICES].map(([name, url]) => [name, url.href])).toEqual([
    ['shop', 'http://shop:3000/api'],
    ['mail_2', 'https://mail.internal/'],
  ])
  expect([...OUTBOUND_TRUSTED_HOSTS]).toEqual(['hooks.internal:80', '127.0.0.1:9000', '[::1]:8080'])
})

test('services also come by settings of their own, and SERVICES goes first', () => {
  const settings = read({
    SERVICES: 'service2=http://other',
    URL_SERVICE1: 'http://one:3000/base',
    URL_SERVICE2: 'http://two',
  })
  expect([...servicesOf(settings)].map(([name, url]) => [name, url.href])).toEqual([
    ['service1', 'http://one:3000/base'],
    ['service2', 'http://other/'],
  ])
})

test.each(['one:3000', 'ftp://one', 'http://a:b@one', 'http://one/?a=1'])('URL_SERVICE3=%s is refused', (text) => {
  expect(() => read({ URL_SERVICE3: text })).toThrow(`URL_SERVICE3: `)
})

test.each([
  'shop',
  '=http://shop',
  'Shop=http://shop',
  'shop=shop:3000',
  'shop=ftp://shop',
  'shop=http://a:b@shop',
  'shop=http://shop/?a=1',
  'good=http://good,good=http://other',
])('SERVICES=%s is refused, with the entry', (SERVICES) => {
  const entry = SERVICES.split(',').at(-1) ?? ''
  expect(() => read({ SERVICES })).toThrow(ConfigError)
  expect(() => read({ SERVICES })).toThrow(`SERVICES: "${entry}"`)
})

test.each(['host', 'host:0', 'http://host:80', 'a@host:80', 'host:80/x', '*:80'])(
  'OUTBOUND_TRUSTED_HOSTS=%s is refused, with the entry',
  (entry) => {
    expect(() => read({ OUTBOUND_TRUSTED_HOSTS: `good:80,${entry}` })).toThrow(`OUTBOUND_TRUSTED_HOSTS: "${entry}"`)
  },
)
