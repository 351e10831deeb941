import * as fc from 'fast-check'

// What users' code hands over, as a description that survives JSON, so that a handler in another process makes the value
// itself. Texts travel as UTF-16 units: half a surrogate pair would be refused on the way.

export type Hostile =
  | { kind: 'plain'; value: 'undefined' | 'null' | 'nan' | 'infinity' | 'bigint' | 'symbol' | 'function' | 'number' }
  | { kind: 'text'; units: number[]; times: number }
  | { kind: 'exotic'; of: (typeof EXOTIC)[number] }
  | { kind: 'deep'; levels: number }
  | { kind: 'list'; items: Hostile[] }
  | { kind: 'object'; members: [name: number[], value: Hostile][] }
  | { kind: 'error'; said: string; set: { [name in Member]?: Hostile }; parts: Hostile[] }

const EXOTIC = [
  'circular',
  'throwing getters',
  'throwing toJSON',
  'toJSON of a bigint',
  'proxy',
  'revoked proxy',
  'throwing then',
  'no prototype',
  'class instance',
  'map',
  'invalid date',
  'bytes',
  'throwing iterator',
  'endless proxy',
  'endless causes',
] as const
const MEMBERS = ['message', 'name', 'stack', 'code', 'cause', 'errors', 'delayMs'] as const

type Member = (typeof MEMBERS)[number]

const units = fc.oneof(
  fc
    .constantFrom('half a 😀', '\u202eright to left', 'nul \0 here', '<script>', '', 'a"b\\u', 'line\nbreak')
    .map(unitsOf),
  // Cut in the middle of a character, as `slice` does.
  fc.constant(unitsOf('half a 😀').slice(0, -1)),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }),
)

/** Values as they come out of handlers, libraries and answers. */
export const hostile: fc.Arbitrary<Hostile> = fc.letrec<{ value: Hostile }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'hostile' },
    fc
      .constantFrom(...(['undefined', 'null', 'nan', 'infinity', 'bigint', 'symbol', 'function', 'number'] as const))
      .map((value): Hostile => ({ kind: 'plain', value })),
    fc.record({
      kind: fc.constant('text' as const),
      units,
      times: fc.constantFrom(1, 1, 1, 300, 300, 200_000),
    }),
    fc.constantFrom(...EXOTIC).map((of): Hostile => ({ kind: 'exotic', of })),
    fc.constantFrom(10, 70, 2_400, 10_000).map((levels): Hostile => ({ kind: 'deep', levels })),
    fc.array(tie('value'), { maxLength: 4 }).map((items): Hostile => ({ kind: 'list', items })),
    fc
      .array(fc.tuple(fc.oneof(units, fc.constant(unitsOf('__proto__'))), tie('value')), { maxLength: 3 })
      .map((members): Hostile => ({ kind: 'object', members })),
    fc.record({
      kind: fc.constant('error' as const),
      said: fc.nat().map((id) => `the reason ${id}`),
      set: fc.record(
        Object.fromEntries(MEMBERS.map((name) => [name, tie('value')])) as Record<Member, fc.Arbitrary<Hostile>>,
        { requiredKeys: [] },
      ),
      parts: fc.array(tie('value'), { maxLength: 2 }),
    }),
  ),
})).value

export function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
}

const textOf = (codes: number[]): string => String.fromCharCode(...codes)

/** The value itself. */
export function makeHostile(spec: Hostile): unknown {
  switch (spec.kind) {
    case 'plain':
      return PLAIN[spec.value]
    case 'text':
      return textOf(spec.units).repeat(spec.times)
    case 'exotic':
      return makeExotic(spec.of)
    case 'deep': {
      let value: unknown = 1
      for (let level = 0; level < spec.levels; level++) value = { d: value }
      return value
    }
    case 'list':
      return spec.items.map(makeHostile)
    case 'object': {
      const object = {}
      for (const [name, value] of spec.members) define(object, textOf(name), makeHostile(value))
      return object
    }
    case 'error': {
      const error =
        spec.parts.length === 0 ? new Error(spec.said) : new AggregateError(spec.parts.map(makeHostile), spec.said)
      for (const [name, value] of Object.entries(spec.set)) define(error, name, makeHostile(value))
      return error
    }
  }
}

const PLAIN = {
  undefined,
  null: null,
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  bigint: 9_007_199_254_740_993n,
  symbol: Symbol('s'),
  function: () => 1,
  number: 1.5,
}

const define = (object: object, name: string, value: unknown): void =>
  void Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })

function explode(): never {
  throw new Error('an accessor threw')
}

/** Every member is another one, as mocks have it. */
const endlessProxy = (): object => new Proxy({}, { get: endlessProxy })

class EndlessError extends Error {
  override get cause(): EndlessError {
    return new EndlessError(this.message)
  }
}

function makeExotic(of: (typeof EXOTIC)[number]): unknown {
  switch (of) {
    case 'circular': {
      const round: Record<string, unknown> = {}
      round['itself'] = round
      return round
    }
    case 'throwing getters': {
      const trap = {}
      for (const name of [...MEMBERS, 'outcomes', 'result', 'retry', 'failed', 'length'])
        Object.defineProperty(trap, name, { enumerable: true, get: explode })
      return trap
    }
    case 'throwing toJSON':
      return { toJSON: explode }
    case 'toJSON of a bigint':
      return { toJSON: () => 1n }
    case 'proxy':
      return new Proxy({}, { get: explode, has: explode, ownKeys: explode, getPrototypeOf: explode })
    case 'revoked proxy': {
      const { proxy, revoke } = Proxy.revocable([], {})
      revoke()
      return proxy
    }
    case 'throwing then':
      return Object.defineProperty({}, 'then', { get: explode })
    case 'no prototype':
      return Object.assign(Object.create(null) as object, { a: 1 })
    case 'class instance':
      return new (class Money {
        readonly amount = 5
        readonly #secret = 1
        get twice(): number {
          return this.#secret * 2
        }
      })()
    case 'map':
      return new Map([['a', new Set([1])]])
    case 'invalid date':
      return new Date(Number.NaN)
    case 'bytes':
      return new Uint8Array(100)
    case 'throwing iterator':
      return { [Symbol.iterator]: explode, [Symbol.toPrimitive]: explode }
    case 'endless proxy':
      return endlessProxy()
    case 'endless causes':
      return new EndlessError('wrapped')
  }
}
