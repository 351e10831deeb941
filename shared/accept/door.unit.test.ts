import { expect, test } from 'vitest'
import { silentLog } from '../../e2e/support/bus.ts'
import { Door } from './door.ts'

const options = { isBrokerUp: () => true, log: silentLog }

test('a disk that cannot be asked keeps nobody from starting, nor from learning that the log is full, nor the other way round', async () => {
  const broken = () => Promise.reject(new Error('stale file handle'))
  const full = new Door({ ...options, whyFull: () => Promise.resolve('The log is full.'), whyNoRoom: broken })
  await full.start()
  expect(() => full.check()).toThrow('The log is full.')
  await full.stop()
  const noRoom = new Door({ ...options, whyFull: broken, whyNoRoom: () => Promise.resolve('the disk is full') })
  await noRoom.start()
  expect(() => noRoom.check()).toThrow('the disk is full')
  await noRoom.stop()
})
