import { expect, test } from 'vitest'
import { bodyOf, conditionsOf, filterOf, fromLocal, readSearch, toLocal } from './filter.ts'

test.each([
  ['type:resize', { changes: { type: 'resize' } }],
  ['type:resize tag:customer:42', { changes: { type: 'resize', tag: 'customer:42' } }],
  ['status:failed,timeout order 7', { changes: { status: 'failed,timeout', object_id: 'order 7' } }],
  ['object:"order 7" type:x', { changes: { object_id: 'order 7', type: 'x' } }],
  ['1m8m02vc6aumtiAGEn6a9s79o', { jobId: '1m8m02vc6aumtiAGEn6a9s79o' }],
  ['order-1', { changes: { object_id: 'order-1' } }],
  ['http://a.example/x', { changes: { object_id: 'http://a.example/x' } }],
  ['payload/customer/id=42 attempts:2', { changes: { 'payload/customer/id': '42', attempts_min: '2' } }],
  ['schedule:nightly', { changes: { object_id: 'schedule:nightly' } }],
  ['order:7 typical:x', { changes: { object_id: 'order:7 typical:x' } }],
  ['', { changes: {} }],
])('%s', (text, search) => expect(readSearch(text)).toEqual(search))

test.each([
  ['typ:boom hello', 'type:boom'],
  ['tpye:boom', 'type:boom'],
  ['tags:a', 'tag:a'],
  ['Type:boom', 'type:boom'],
  ['stats:failed', 'status:failed'],
])('%s is doubted, with what was probably meant: %s', (text, meant) => {
  const [word] = text.split(':')
  const fault = `“${word}” is no filter. Did you mean ${meant}? The object of this id is object:"${text}".`
  expect(readSearch(text)).toEqual({ fault })
})

test('the filter has what the api knows, and nothing of the page', () => {
  const query = new URLSearchParams('status=failed&type=x&cursor=abc&tag=&other=1&payload/a=1')
  expect(filterOf(query)).toEqual({ status: 'failed', type: 'x', 'payload/a': '1' })
  expect(conditionsOf(query).map(({ word, value }) => `${word} ${value}`)).toEqual(['type x', 'payload/a 1'])
})

test('as a body the filter has a list of statuses, numbers, and an object of what the payload says', () => {
  const filter = { status: 'failed,timeout', attempts_min: '2', 'payload/a/b': '42', payload: 'x' }
  const payload = { '/a/b': '42', '': 'x' }
  expect(bodyOf(filter)).toEqual({ status: ['failed', 'timeout'], attempts_min: 2, payload })
})

test.each(['2026-11-30T12:00:05.000Z', '2026-07-01T23:59:59.000Z'])(
  '%s goes into a field for a time and back',
  (iso) => {
    expect(fromLocal(toLocal(iso))).toBe(iso)
    expect(toLocal(iso)).toMatch(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d$/)
  },
)

test('what is no time leaves the field for it empty', () => {
  expect([toLocal('yesterday'), fromLocal('')]).toEqual(['', ''])
})
