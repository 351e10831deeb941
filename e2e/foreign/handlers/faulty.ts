import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hasty/handler'

export interface FaultyPayload {
  how: keyof typeof FAULTS
  list?: number[]
  secret?: string
  blob?: string
  self?: unknown
  ms?: number
}

type Fault = (payload: FaultyPayload, context: Context) => unknown

const errorWith = (members: object): Error => Object.assign(new Error('the reason'), members)

/** What users' handlers did, each of which once went wrong. */
const FAULTS = {
  'a list as the message': () => {
    throw errorWith({ message: ['width must be a number', 'height too'] })
  },
  'a list as the progress': async (_payload, { progress, attempt }) => {
    progress(50, ['half', 'way'] as unknown as string)
    await pause(5)
    // The progress is stored when this kills the worker.
    if (attempt === 1) setTimeout(() => process.exit(1), 1_200)
    if (attempt === 1) await pause(10_000)
    return attempt
  },
  'a number as the progress, isolated': async (_payload, { progress, attempt }) => {
    if (attempt === 1) process.exit(1)
    progress(50, 42 as unknown as string)
    await pause(100)
    return attempt
  },
  'no name': () => {
    throw errorWith({ name: undefined })
  },
  'a number as the name': () => {
    throw errorWith({ name: 5 })
  },
  'a getter that throws': () => {
    throw Object.defineProperty(errorWith({}), 'name', {
      get() {
        throw new Error('not this one')
      },
    })
  },
  'half a character': () => {
    throw new Error(`${'a'.repeat(1_999)}😀`)
  },
  'a cause': () => {
    throw new Error('could not save', { cause: Object.assign(new Error('disk full'), { code: 'ENOSPC' }) })
  },
  'pushes to its payload': ({ list = [] }, { attempt }) => {
    list.push(attempt)
    if (attempt < 3) throw new Error('again')
    return list
  },
  'deletes from its payload': (payload, { attempt }) => {
    const { secret } = payload
    delete payload.secret
    if (attempt < 2) throw new Error('again')
    return secret ?? 'it was gone'
  },
  'makes its payload circular': (payload, { attempt }) => {
    payload.self = payload
    if (attempt < 2) throw new Error('again')
    return 'ok'
  },
  'makes its payload grow': (payload, { attempt }) => {
    payload.blob = 'x'.repeat(5_000_000)
    if (attempt < 2) throw new Error('again')
    return 'ok'
  },
  'leaves a promise': async () => {
    void Promise.reject(new Error('nobody awaits this'))
    await pause(10_000)
  },
  'leaves a promise for later': ({ ms = 50 }) => {
    void pause(ms).then(() => Promise.reject(new Error('after the end')))
    return 'done'
  },
  'throws in a timer': async ({ ms = 20 }) => {
    setTimeout(() => {
      throw new Error('in a timer')
    }, ms)
    await pause(10_000)
  },
  'throws when it is told to stop': async (_payload, { signal }) => {
    signal.addEventListener('abort', () => {
      throw new Error('in a listener')
    })
    await pause(10_000)
  },
  waits: async ({ ms = 1_000 }, { signal }) => {
    await pause(ms, undefined, { signal })
    return 'waited'
  },
  'nested too deeply': () => {
    let value: unknown = 1
    for (let level = 0; level < 2_400; level++) value = { d: value }
    return { extras: value }
  },
} satisfies Record<string, Fault>

export const handler = {
  type: 'faulty',
  policy: {
    timeout_ms: 20_000,
    on_timeout: 'cancel',
    cooldown: false,
    backoff: { kind: 'fixed', base_ms: 50, max_ms: 50, jitter: 0 },
  },
  run: (payload: FaultyPayload, context: Context) => FAULTS[payload.how](payload, context),
}
