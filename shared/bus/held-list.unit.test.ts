import { expect, test } from 'vitest'
import { readHeldList } from './held-list.ts'

const list = { worker_id: 'w', state: 'here', server_id: 's', held: ['$JS.ACK.JOBS.work-add-normal.1.2.3.4.0'] }

test('a list is read as it was told; members of a later version are left out', () => {
  expect(readHeldList(JSON.stringify({ ...list, more: 1 }))).toEqual(list)
})

test.each([
  ['no JSON', '{'],
  ['no object', 'null'],
  ['an unknown state', JSON.stringify({ ...list, state: 'asleep' })],
  ['no worker', JSON.stringify({ ...list, worker_id: undefined })],
  ['a subject that hands back no delivery', JSON.stringify({ ...list, held: ['job:failed.add.normal.x'] })],
])('%s: nothing is heard', (_, body) => {
  expect(readHeldList(body)).toBeNull()
})
