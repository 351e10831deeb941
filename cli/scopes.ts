import { InvalidArgumentError } from 'commander'
import type { Caller } from '#shared/auth/caller.ts'
import { parseList } from './parse.ts'

export type Scopes = Caller['scopes'][number][]

const known: Caller['scopes'] = ['jobs:read', 'jobs:write', 'work', 'admin']

/** `jobs:read,jobs:write` */
export function parseScopes(text: string): Scopes {
  const scopes = parseList(text).map((word) => known.find((scope) => scope === word))
  if (scopes.every((scope) => scope !== undefined)) return scopes
  throw new InvalidArgumentError(`Give one or more of ${known.join(',')}.`)
}
